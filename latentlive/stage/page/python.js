// Typed code in colours. Text only ever becomes text: nothing in it is markup.

const PART = /(#.*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(\d+(?:\.\d+)?)\b|\b(with|for|in|if|else|def|return|import|from|lambda|not|and|or|None|True|False|at|cue|after|go|d\d{1,2}|master)\b/g;
const KINDS = ["c", "s", "n", "w"];

/** Append code to an element. */
export function write(element, code) {
  let at = 0;
  for (const found of code.matchAll(PART)) {
    element.append(code.slice(at, found.index));
    const part = document.createElement("span");
    part.className = KINDS[found.slice(1).findIndex((one) => one !== undefined)];
    part.textContent = found[0];
    element.append(part);
    at = found.index + found[0].length;
  }
  element.append(code.slice(at));
}
