// "123 of 1,000 words" under each <textarea data-words="1000">, while somebody writes.
// The server counts the same way (word_count in allocations/programme/differences.py) and has the last word.
// An element with data-words-of="<id of the textarea>" is used when the page has one already.

const SPACES = /[\s\x1c-\x1f\x85\ufeff]+/u;
const LETTER = /[\p{L}\p{N}]/u;
const PAUSE = 600;

export function wordCount(text) {
  return text.split(SPACES).filter((part) => LETTER.test(part)).length;
}

export function sentence(count, most) {
  const over = count - most;
  const [has, may, many] = [count, most, over].map((number) => number.toLocaleString('en-US'));
  return `${has} of ${may} words` + (over > 0 ? `: ${many} too many` : '');
}

function line(area) {
  const found = document.querySelector(`[data-words-of="${CSS.escape(area.id)}"]`);
  if (found) return found;
  const made = document.createElement('p');
  made.className = 'usa-hint word-count';
  made.dataset.wordsOf = area.id;
  area.after(made);
  return made;
}

function show(area) {
  const place = line(area);
  // Set after the first text: what is there on arrival is not read out.
  if (!place.hasAttribute('aria-live')) requestAnimationFrame(() => place.setAttribute('aria-live', 'polite'));
  const words = sentence(wordCount(area.value), Number(area.dataset.words));
  if (place.textContent !== words) place.textContent = words;
}

function start() {
  const waiting = new WeakMap();
  const all = (root) => root.querySelectorAll('textarea[data-words]').forEach(show);
  document.addEventListener('input', (event) => {
    const area = event.target;
    if (!area.matches('textarea[data-words]')) return;
    clearTimeout(waiting.get(area));
    waiting.set(area, setTimeout(() => show(area), PAUSE));
  });
  document.addEventListener('htmx:load', (event) => all(event.target));
  all(document);
}

if (typeof document !== 'undefined') start();
