import numpy as np, pytest
import latentlive as ll
from latentlive.expr import dump
from tests.test_performances import *
def fx(layer, effect, **v):
    return {"op":"effect","layer":layer,"effect":effect,"curves":{f"{effect}.{k}":dump(as_curve(x,"e")) for k,x in v.items()}}
def full(effect, **v):
    from latentlive.effects.declared import EFFECTS
    e=next(x for x in EFFECTS if x.name==effect)
    d={p.name:p.default for p in e.parameters if p.name not in("by","space")}
    return d|v
def test_a(tmp_path):
    e=Engine(tmp_path/"evening.py")
    e.do(op="cell",changes=[{"op":"play","layer":"d1","source":SOURCES[1]}])
    e.run(1.0)
    print(e.do(op="cell",changes=[fx("d1","reverb",**full("reverb",mix=.5,seconds=1.0)), fx("d1","lpf",**full("lpf",hz=800))]))
    e.run(1.5)
    print(e.do(op="cell",changes=[{"op":"send","layer":"d1","bus":"hall","gain_db":GAINS[2]}, fx("hall","echo",**full("echo",beats=.25))]))
    e.run(1.0)
    print(e.do(op="cell",changes=[fx("master","comp",**full("comp"))]))
    e.run(1.0)
    print(e.do(op="cell",changes=[{"op":"stop","layer":"d1","fade":0.1}]))
    e.run(3.0)
    print(e.said)
    e.close()
    x=e.samples
    print([round(20*np.log10(np.sqrt((x[i:i+11025]**2).mean())+1e-9),1) for i in range(0,len(x),11025)])
    compare(e,tmp_path,.5,512)
