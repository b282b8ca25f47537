# Each cell of a notebook that begins with %%live is run in the prompt of latentlive.
import subprocess

from IPython.core.magic import register_cell_magic


@register_cell_magic
def live(_, cell):
    done = subprocess.run(["latentlive", "send", "-"], input=cell, capture_output=True, text=True)
    print(done.stdout + done.stderr, end="")
