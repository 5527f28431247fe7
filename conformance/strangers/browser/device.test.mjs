// The demo app plays a television; its user answers in another browser, with the size of a phone.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import jsQR from 'jsqr';

import { start } from '../stand.mjs';
import { Person, launch } from './browser.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let stand;
let browser;
let people = [];

before(async () => {
  stand = await start({ more: '[device]\ninterval = 1' });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await stand?.stop();
});

afterEach(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  for (const person of people) await person.leave();
  people = [];
  await stand.forget('alice');
  assert.deepEqual(complaints, []);
});

async function arrives(options) {
  const person = await Person.arrive(browser, stand, options);
  people.push(person);
  return person;
}

/** A television that shows a code. */
async function television(options) {
  const tv = await arrives(options);
  await tv.page.goto(`${stand.app}/tv`);
  await tv.click('#tv-on');
  const userCode = await tv.page.locator('#tv-user-code').textContent();
  return { tv, userCode };
}

/** What a camera sees in the QR code: the image is painted on a page of its own, and read from the pixels. */
async function scanned(tv) {
  const svg = await tv.page.locator('#tv-qr').evaluate((element) => new XMLSerializer().serializeToString(element));
  const camera = await tv.context.newPage();
  const { width, height, data } = await camera.evaluate(async (text) => {
    const image = new Image(400, 400);
    image.src = `data:image/svg+xml;base64,${btoa(text.replace('<svg', '<svg width="400" height="400"'))}`;
    await image.decode();
    const canvas = new OffscreenCanvas(400, 400);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 400, 400);
    return { width: 400, height: 400, data: [...context.getImageData(0, 0, 400, 400).data] };
  }, svg);
  await camera.close();
  return jsQR(Uint8ClampedArray.from(data), width, height)?.data;
}

async function shows(tv, selector) {
  // The page loads itself again until something has happened.
  return tv.page.locator(selector).textContent();
}

test('a television is connected by typing its code', async () => {
  const { tv, userCode } = await television();
  const phone = await arrives(PHONE);
  await phone.page.goto(await tv.page.locator('#tv-address').getAttribute('href'));
  await phone.page.fill('#user_code', 'bcdf ghjk');
  await phone.click('#code-submit');
  assert.match(await phone.page.locator('#form-error').textContent(), /4/);
  await phone.page.fill('#user_code', userCode.toLowerCase().replace('-', ' '));
  await phone.click('#code-submit');
  assert.equal(await phone.page.locator('#device-code').textContent(), userCode);
  assert.match(await phone.page.locator('main').textContent(), /Demo TV/);
  await phone.click('#device-confirm');
  await phone.signIn();
  await phone.allow({ remember: false });
  assert.match(await phone.page.locator('#device-done').textContent(), /Demo TV is connected/);
  assert.equal(await shows(tv, '#tv-subject'), 'alice');
});

test('a television is connected by its QR code, after a question', async () => {
  const { tv, userCode } = await television();
  const link = await scanned(tv);
  assert.equal(link, `${stand.issuer}/device?user_code=${userCode}`);
  const phone = await arrives(PHONE);
  await phone.page.goto(link);
  assert.equal(await phone.page.locator('#device-code').textContent(), userCode);
  assert.match(await phone.page.locator('.warn').first().textContent(), /link/);
  await phone.click('#device-confirm');
  await phone.signIn();
  await phone.allow({ remember: false });
  await phone.page.locator('#device-done').waitFor();
  assert.equal(await shows(tv, '#tv-subject'), 'alice');
});

test('a television that nobody here knows is refused', async () => {
  const { tv } = await television();
  const phone = await arrives(PHONE);
  await phone.page.goto(await scanned(tv));
  await phone.click('#device-cancel');
  assert.match(await phone.page.locator('#device-done').textContent(), /not connected/);
  assert.equal(await shows(tv, '#error-code'), 'access_denied');
});

test('two people with one code do not get into each other\'s way', async () => {
  const { tv, userCode } = await television();
  const link = `${stand.issuer}/device?user_code=${userCode}`;
  const [mine, other] = [await arrives(PHONE), await arrives(PHONE)];
  await mine.page.goto(link);
  await other.page.goto(link);
  await mine.click('#device-confirm');
  await other.click('#device-confirm');
  await other.page.locator('#user_code').waitFor();
  await mine.signIn();
  await mine.allow({ remember: false });
  await mine.page.locator('#device-done').waitFor();
  assert.equal(await shows(tv, '#tv-subject'), 'alice');
});

test('all of it works without scripts', async () => {
  const { tv, userCode } = await television({ javaScriptEnabled: false });
  const phone = await arrives({ ...PHONE, javaScriptEnabled: false });
  await phone.page.goto(`${stand.issuer}/device`);
  await phone.page.fill('#user_code', userCode);
  await phone.click('#code-submit');
  await phone.click('#device-confirm');
  await phone.signIn();
  await phone.allow({ remember: false });
  await phone.page.locator('#device-done').waitFor();
  assert.equal(await shows(tv, '#tv-subject'), 'alice');
});
