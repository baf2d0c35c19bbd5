// Texts in a [data-autosave] box save themselves a moment after typing stops. Nothing typed is lost: a copy stays
// in this browser until the server has said that it has the text, and is offered back on the next visit.
// The server answers with a part of the page (templates/proposals/_saved.html); without scripts, buttons do it all.

const PAUSE = 1200;
const AGAIN = 15000;
const TOLD = {
  401: 'Not saved: you are logged out. Log in again in a new tab and go on writing here; your text stays.',
  403: 'Not saved: you cannot write here any more. Your text stays on this page.',
  none: 'Not saved: the portal cannot be reached. Your text stays here and is tried again.',
  other: 'Not saved: something went wrong. Your text stays here and is tried again.',
};

function button(label, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'usa-button usa-button--outline';
  made.textContent = label;
  made.addEventListener('click', act);
  return made;
}

class Text {
  constructor(box, writer) {
    this.box = box;
    this.area = box.querySelector('textarea');
    this.seen = box.querySelector('input[type=hidden]');
    this.told = box.querySelector('.saving');
    this.key = `text:${writer}:${box.dataset.autosave}`;
    this.saved = this.area.value.trim();
    this.held = false;
    this.area.addEventListener('input', () => this.typed());
    this.offer();
  }

  typed() {
    this.keep();
    this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ text: this.area.value, at: Date.now() }));
    } catch { /* No room, or not allowed: the text is on the page. */ }
  }

  forget() {
    try { localStorage.removeItem(this.key); } catch { /* As above. */ }
  }

  async save() {
    const text = this.area.value.trim();
    // After a conflict the writer decides, not the clock.
    if (this.busy || this.held || text === this.saved) return;
    clearTimeout(this.timer);
    this.busy = true;
    try {
      await this.send(text);
    } finally {
      this.busy = false;
    }
    if (this.area.value.trim() !== text) this.later(PAUSE);
  }

  async send(text) {
    const body = new URLSearchParams({ text, seen: this.seen.value });
    let answer;
    try {
      answer = await fetch(this.box.dataset.autosave, { method: 'POST', body, redirect: 'error' });
    } catch {
      return this.failed(TOLD.none);
    }
    if (![200, 409, 422].includes(answer.status)) return this.failed(TOLD[answer.status] ?? TOLD.other);
    this.show(await answer.text());
    if (answer.status === 200) {
      this.saved = text;
      if (this.area.value.trim() === text) this.forget();
    }
  }

  failed(words) {
    this.keep();
    this.say(words);
    this.later(AGAIN);
  }

  say(words) {
    if (this.told.textContent !== words) this.told.textContent = words;
  }

  show(fragment) {
    const part = new DOMParser().parseFromString(fragment, 'text/html');
    const seen = part.querySelector('input[type=hidden]');
    seen.remove();
    this.told.replaceChildren(...part.body.childNodes);
    const theirs = this.told.querySelector('[data-theirs]');
    if (theirs) this.decide(theirs, seen.value);
    else this.seen.value = seen.value;
  }

  // Until the writer has chosen, the version under the text stays the old one: the server refuses all else.
  decide(theirs, version) {
    this.held = true;
    const settle = (text) => {
      this.held = false;
      this.seen.value = version;
      if (text === this.area.value) return this.save();
      theirs.textContent = this.area.value;
      this.area.value = text;
      this.saved = text;
      this.forget();
      row.replaceWith('Theirs is in the box now. This is what you had written.');
      return this.area.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const row = document.createElement('p');
    row.className = 'button-row';
    row.append(
      button('Save mine', () => settle(this.area.value)),
      button('Take theirs', () => settle(theirs.textContent)),
    );
    theirs.after(row);
  }

  offer() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(this.key)); } catch { /* Nothing is kept. */ }
    if (!kept || kept.text.trim() === this.saved) return this.forget();
    const words = document.createElement('p');
    words.textContent = `A text of ${new Date(kept.at).toLocaleString()} was not saved. This browser kept it.`;
    const text = document.createElement('div');
    text.className = 'written';
    text.textContent = kept.text;
    const row = document.createElement('p');
    row.className = 'button-row';
    row.append(
      button('Put it back', () => {
        this.area.value = kept.text;
        this.told.replaceChildren();
        this.area.dispatchEvent(new Event('input', { bubbles: true }));
      }),
      button('Throw it away', () => { this.forget(); this.told.replaceChildren(); }),
    );
    this.told.append(words, text, row);
  }
}

// A text that is just being saved must not meet itself when the whole form follows.
function wait(form, texts) {
  form.addEventListener('submit', (event) => {
    texts.forEach((text) => clearTimeout(text.timer));
    const busy = texts.filter((text) => text.busy);
    if (!busy.length) return;
    event.preventDefault();
    const done = () => (texts.some((text) => text.busy) ? setTimeout(done, 50) : form.requestSubmit(event.submitter));
    done();
  });
}

for (const form of document.querySelectorAll('form[data-writer]')) {
  const boxes = [...form.querySelectorAll('[data-autosave]')];
  wait(form, boxes.map((box) => new Text(box, form.dataset.writer)));
}
