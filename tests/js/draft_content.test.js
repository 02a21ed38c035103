'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const content = require('../../static/draft_content.js');

const DAY = 24 * 3600 * 1000;
const NONE = new Set();

test('a draft belongs to a person, a form and a window, whatever page the form leads to', () => {
  const form = content.place('/admin/contract/new/', '?customer_id=5&next=%2Fadmin%2F&url=x');
  const key = content.key('7', form, 'tab-1');

  assert.equal(form, '/admin/contract/new/?customer_id=5');
  assert.equal(content.place('/admin/contract/new/', '?next=x'), '/admin/contract/new/');
  assert.equal(content.place('/', `?q=${'x'.repeat(400)}`).length, 150);
  assert.equal(key, 'draft:7:/admin/contract/new/?customer_id=5:tab-1');
  assert.deepEqual(content.parts(key), { person: '7', form, tab: 'tab-1' });
  assert.deepEqual(content.parts('draft:7:a:b:t').form, 'a:b');
  ['draft:/a:t', 'draft:7:/a', 'draft:7::t', '', undefined].forEach((one) => assert.equal(content.parts(one), null));
});

test('a draft that is nobody’s, broken or older than 30 days is stale', () => {
  const now = 100 * DAY;

  assert.equal(content.stale('draft:7:/a:t', { at: now - 30 * DAY + 1 }, now), false);
  assert.equal(content.stale('draft:7:/a:t', { at: now - 30 * DAY }, now), true);
  assert.equal(content.stale('draft:/a:t', { at: now }, now), true);
  assert.equal(content.stale('draft:7:/a:t', null, now), true);
  assert.equal(content.stale('draft:7:/a:t', {}, now), true);
});

test('the draft of this window is offered first, then the newest; none of another form, none that holds only a file', () => {
  const one = (form, tab, at, data = [['a', 'b']]) => ({ form, tab, at, data });
  const drafts = [one('/a', 'mine-1', 1), one('/a', 'x-1', 3), one('/a', 'y-1', 2), one('/b', 'mine-2', 9), one('/a', 'z', 8, [])];

  assert.deepEqual(content.offered('/a', 'mine', drafts).map(({ tab }) => tab), ['mine-1', 'x-1', 'y-1']);
  assert.deepEqual(content.offered('/c', 'mine', drafts), []);
});

test('of one window what was typed last counts, wherever it lies, with the files the server has', () => {
  const theirs = [{ form: '/a', tab: 't', at: 5, data: [['n', 'old']], files: [{ id: 1 }] }, { form: '/a', tab: 'u', at: 9, data: [['n', 'new']], files: [] }];
  const ours = [{ form: '/a', tab: 't', at: 6, data: [['n', 'later']] }, { form: '/a', tab: 'u', at: 8, data: [['n', 'earlier']] }, { form: '/b', tab: 't', at: 1, data: [] }];

  const found = content.joined(theirs, ours);

  assert.deepEqual(found.map(({ data }) => data[0]?.[1]), ['later', 'new', undefined]);
  assert.deepEqual(found[0].files, [{ id: 1 }]);
});

test('passwords, files and what the page put there are not kept', () => {
  const pairs = [['company', '楚江'], ['csrf_token', 't'], ['idempotency_key', 'k'], ['idempotency_next', 'k'], ['password', 'p'], ['file', { size: 3 }], ['note', '']];

  assert.deepEqual(content.typed(pairs, new Set(['password'])), [['company', '楚江'], ['note', '']]);
});

test('the rows of a table are known in their order, new ones and an empty table too', () => {
  const values = content.grouped([['plan-sent', '1'], ['plan-new101-amount', '5'], ['plan-new101-note', ''], ['plan-0-amount', '3'], ['planned-1-x', '']]);

  assert.deepEqual(content.rows(values, 'plan'), ['new101', '0']);
  assert.equal(content.rows(values, 'lines'), null);
  assert.deepEqual(content.rows(content.grouped([['plan-sent', '1']]), 'plan'), []);
});
test('what was typed comes back, a name that is there several times in its order', () => {
  const pairs = [['company', '楚江'], ['tag', 'b'], ['tag', 'c'], ['kind', '2'], ['phone', '1'], ['phone', '2']];
  const box = (name, type, value, checked) => ({ name, type, value, checked });
  const fields = [
    box('company', 'text', ''), box('note', 'textarea', 'stays'), box('phone', 'text', ''), box('phone', 'text', ''), box('phone', 'text', 'third'),
    box('tag', 'checkbox', 'a', true), box('tag', 'checkbox', 'b', false), box('tag', 'checkbox', 'c', false),
    box('kind', 'radio', '1', true), box('kind', 'radio', '2', false),
  ];
  const values = content.grouped(pairs);

  const restored = content.restore(fields, values, NONE);

  assert.deepEqual(fields.slice(0, 5).map((one) => one.value), ['楚江', 'stays', '1', '2', 'third']);
  assert.deepEqual(fields.slice(5).map((one) => one.checked), [false, true, true, false, true]);
  assert.equal(restored.length, 8);
  assert.deepEqual(values.get('phone'), ['1', '2']);
});

test('what is kept comes back unchanged, and nothing is put into passwords, files or the page’s own fields', () => {
  const fields = ['csrf_token', 'secret', 'locked', 'upload', 'go', ''].map((name) => ({ name, type: 'text', value: 'own' }));
  fields[2].disabled = true;
  fields[3].type = 'file';
  fields[4].type = 'submit';
  const values = content.grouped(fields.map(({ name }) => [name, 'from a draft']));

  assert.deepEqual(content.restore(fields, values, new Set(['secret'])), []);
  assert.deepEqual(new Set(fields.map((one) => one.value)), new Set(['own']));
});

const chosen = (...picked) => ({
  name: 'cc',
  type: 'select-multiple',
  options: ['1', '2', '3'].map((value) => ({ value, selected: false, defaultSelected: picked.includes(value) })),
});

test('of several that were chosen all come back, and none that was not', () => {
  const field = chosen('3');
  content.restore([field], content.grouped([['cc', '1'], ['cc', '2']]), NONE);

  assert.deepEqual(field.options.map((one) => one.selected), [true, true, false]);
});

test('what the page did not give is told apart from what it did', () => {
  const [all, one] = [chosen(), { type: 'select-one', value: 'b', options: [{ value: 'a' }, { value: 'b' }] }];
  all.options[1].selected = true;
  const text = (value) => ({ type: 'text', value, defaultValue: 'x' });
  const box = (checked) => ({ type: 'checkbox', checked, defaultChecked: true });
  const fields = [all, chosen(), one, { ...one, value: 'a' }, text('y'), text('x'), box(false), box(true)];

  assert.deepEqual(fields.map(content.altered), [true, false, true, false, true, false, true, false]);
});
