// The form of a proposal saves itself a moment after typing stops, and at once when the page is left: each text in a
// [data-autosave] box for itself, all other fields together. Nothing typed is lost: of a text a copy stays in this
// browser until the server has said that it has it, and the browser asks before it leaves what cannot be saved.
// The server answers with a part of the page (templates/proposals/_saved.html and _kept.html); without scripts,
// buttons do it all.

const PAUSE = 1200;
const AGAIN = 15000;
// Browsers carry at most 64 KiB on after the page is gone.
const ROOM = 60000;
const TOLD = {
  401: 'Not saved: you are logged out. Log in again in a new tab and go on writing here; your text stays.',
  403: 'Not saved: you cannot write here any more. Your text stays on this page.',
  none: 'Not saved: the portal cannot be reached. Your text stays here and is tried again.',
  other: 'Not saved: something went wrong. Your text stays here and is tried again.',
};
// The page answers a save that was refused: what its fields hold is on no server.
const REFUSED = Boolean(document.querySelector('main > .error-summary'));

// As the pages write it: 22 November 2026, 10:19 UTC.
function moment(at) {
  const date = { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' };
  return `${new Date(at).toLocaleDateString('en-GB', date)}, ${new Date(at).toISOString().slice(11, 16)} UTC`;
}

function button(label, act) {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = 'usa-button usa-button--outline';
  made.textContent = label;
  made.addEventListener('click', act);
  return made;
}

function row(...buttons) {
  const made = document.createElement('p');
  made.className = 'button-row';
  made.append(...buttons);
  return made;
}

// What saves itself as one: has `value()`, `body(value)`, `address`, `told` and `settle(part, status)`.
class Saver {
  held = false;
  failing = false;

  // What was refused is tried once more by itself, unless somebody else's stands beside it.
  start() {
    this.saved = REFUSED ? null : this.value();
    this.failing = REFUSED;
    if (REFUSED) this.typed();
  }

  typed() {
    this.keep();
    this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), pause);
  }

  keep() { /* A text keeps a copy. */ }

  forget() { /* As above. */ }

  async save() {
    const value = this.value();
    // After a conflict the writer decides, not the clock.
    if (!this.address || this.busy || this.held || value === this.saved) return;
    clearTimeout(this.timer);
    this.busy = true;
    this.sending = value;
    try {
      await this.send(value);
    } finally {
      this.busy = false;
    }
    if (this.value() !== value) this.later(PAUSE);
  }

  // The page goes: what is on its way goes on without it, and what was typed since follows.
  leave() {
    const value = this.value();
    if (!this.busy) return this.save();
    if (!this.held && value !== this.sending) this.send(value, this.sending);
  }

  stuck() {
    if (this.value() === this.saved) return false;
    return this.held || this.failing || !this.address || !navigator.onLine || this.value().length > ROOM;
  }

  async send(value, before) {
    const body = this.body(value);
    // What this page has sent already is no other hand, when the server says that somebody was quicker.
    if (before !== undefined) body.set('before', before);
    const keepalive = body.toString().length < ROOM;
    let answer;
    try {
      answer = await fetch(this.address, { method: 'POST', body, redirect: 'error', keepalive });
    } catch {
      return this.failed(TOLD.none);
    }
    if (![200, 409, 422].includes(answer.status)) return this.failed(TOLD[answer.status] ?? TOLD.other);
    const part = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const seen = [...part.querySelectorAll('input[type=hidden]')];
    seen.forEach((one) => one.remove());
    this.told.replaceChildren(...part.body.childNodes);
    this.failing = answer.status !== 200;
    this.settle(seen, answer.status);
    if (answer.status === 200) {
      this.saved = value;
      if (this.value() === value) this.forget();
      else this.keep();
    }
  }

  failed(words) {
    this.failing = true;
    this.keep();
    this.say(words);
    this.later(AGAIN);
  }

  say(words) {
    if (this.told.textContent !== words) this.told.textContent = words;
  }
}

class Text extends Saver {
  constructor(box, writer) {
    super();
    this.address = box.dataset.autosave;
    this.area = box.querySelector('textarea');
    this.seen = box.querySelector('input[type=hidden]');
    this.told = box.querySelector('.saving');
    this.key = `text:${writer}:${this.address}`;
    this.area.addEventListener('input', () => this.typed());
    const theirs = this.told.querySelector('[data-theirs]');
    if (theirs) this.decide(theirs, this.seen.value);
    this.start();
    if (!REFUSED) this.offer();
  }

  value() { return this.area.value.trim(); }

  body(text) { return new URLSearchParams({ text, seen: this.seen.value }); }

  // With what it was typed on; while the writer has not chosen, on nothing, so that they are asked again.
  keep() {
    const seen = this.held ? '0' : this.seen.value;
    try {
      localStorage.setItem(this.key, JSON.stringify({ text: this.area.value, at: Date.now(), seen }));
    } catch { /* No room, or not allowed: the text is on the page. */ }
  }

  forget() {
    try { localStorage.removeItem(this.key); } catch { /* As above. */ }
  }

  settle([seen]) {
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
      this.saved = this.value();
      this.forget();
      choice.replaceWith('Theirs is in the box now. This is what you had written.');
      return this.area.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const choice = row(
      button('Save mine', () => settle(this.area.value)),
      button('Take theirs', () => settle(theirs.textContent)),
    );
    theirs.after(choice);
  }

  offer() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(this.key)); } catch { /* Nothing is kept. */ }
    if (!kept || kept.text.trim() === this.saved) return this.forget();
    const words = document.createElement('p');
    words.textContent = `A text of ${moment(kept.at)} was not saved. This browser kept it.`;
    const text = document.createElement('div');
    text.className = 'written';
    text.textContent = kept.text;
    const choice = row(
      button('Put it back', () => {
        this.area.value = kept.text;
        this.seen.value = kept.seen ?? '0';
        this.told.replaceChildren();
        this.area.dispatchEvent(new Event('input', { bubbles: true }));
      }),
      button('Throw it away', () => { this.forget(); this.told.replaceChildren(); }),
    );
    this.told.append(words, text, choice);
  }
}

// All fields without a box of their own; `data-by-button`: saving does more than keep, so only buttons do it.
class Rest extends Saver {
  constructor(form) {
    super();
    this.form = form;
    this.address = 'byButton' in form.dataset ? '' : form.action;
    this.told = form.querySelector('.saving--rest');
    this.dispute();
    this.start();
    form.addEventListener('input', (event) => {
      if (!event.target.closest('[data-autosave]')) this.typed();
    });
  }

  dispute() {
    const shown = [...this.form.querySelectorAll('.theirs, [data-theirs], .saving table')];
    if (shown.every((one) => one.closest('[data-autosave]'))) return;
    this.hold(() => { /* The page was filled from theirs already. */ });
  }

  hold(follow) {
    this.held = true;
    const mine = button('Save mine', () => { this.held = false; follow(); this.save(); });
    if (this.address) this.told.append(row(mine));
  }

  fields() {
    const typed = [...this.form.elements].filter((one) => one.name && !one.closest('[data-autosave]'));
    return typed.filter((one) => !['submit', 'button', 'file', 'fieldset'].includes(one.type));
  }

  read(fields) {
    const chosen = fields.filter((one) => !['checkbox', 'radio'].includes(one.type) || one.checked);
    return new URLSearchParams(chosen.map((one) => [one.name, one.value]));
  }

  value() { return this.read(this.fields().filter((one) => one.type !== 'hidden')).toString(); }

  body(value) {
    const hidden = this.read(this.fields().filter((one) => one.type === 'hidden'));
    return new URLSearchParams([...new URLSearchParams(value), ...hidden, ['then', 'autosave']]);
  }

  settle(seen, status) {
    const follow = () => seen.forEach((one) => {
      const known = this.form.elements[one.name];
      if (known) known.value = one.value;
    });
    if (status === 200) follow();
    if (status !== 409) return;
    if (!this.told.querySelector('[data-theirs], table')) return this.later(AGAIN);
    this.hold(follow);
  }
}

const all = [];
let sent = false;

// What is just being saved must not meet itself when the whole form follows.
function wait(form, savers) {
  form.addEventListener('submit', (event) => {
    savers.forEach((one) => clearTimeout(one.timer));
    const busy = savers.filter((one) => one.busy);
    if (!busy.length) { sent = true; return; }
    event.preventDefault();
    const done = () => (savers.some((one) => one.busy) ? setTimeout(done, 50) : form.requestSubmit(event.submitter));
    done();
  });
}

for (const form of document.querySelectorAll('form[data-writer]')) {
  const texts = [...form.querySelectorAll('[data-autosave]')].map((box) => new Text(box, form.dataset.writer));
  const savers = [...texts, new Rest(form)];
  all.push(...savers);
  wait(form, savers);
}

addEventListener('beforeunload', (event) => {
  if (!sent && all.some((one) => one.stuck())) event.preventDefault();
});
addEventListener('pagehide', () => { if (!sent) all.forEach((one) => one.leave()); });
addEventListener('pageshow', () => { sent = false; });
// On phones a page may go without another word.
document.addEventListener('visibilitychange', () => {
  if (!sent && document.visibilityState === 'hidden') all.forEach((one) => one.save());
});
