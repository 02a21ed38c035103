'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { meaning, same, spread } = require('../../static/answers.js');

const kind = (answer) => meaning({ status: 200, found: null, page: null, twin: null, ...answer }).kind;

test('only an answer that says where to go leaves the page', () => {
  assert.deepEqual(meaning({ status: 200, found: { location: '/admin/' } }), { kind: 'lead', location: '/admin/', saved: false });
  assert.equal(meaning({ status: 200, found: { location: '/admin/', saved: true } }).saved, true);
  assert.equal(kind({ status: 401, found: { location: '/admin/', error: 'x' } }), 'tell');
  assert.equal(kind({ status: 409, found: { location: '/a', code: 'ALREADY_SENT' } }), 'sent');
  assert.equal(kind({ status: 200, found: {} }), 'tell');
});

test('every error status is told on the page, also what a proxy says in a page of its own', () => {
  [400, 403, 409, 413, 429, 500, 503].forEach((status) => {
    assert.deepEqual(meaning({ status, found: { error: 'no', fields: { name: 'why' }, request_id: 'r' } }), { kind: 'tell', error: 'no', fields: { name: 'why' }, id: 'r' });
  });
  assert.equal(kind({ status: 502, page: false }), 'tell');
});

test('errors of the same form go beside its fields, any other page of ours is shown', () => {
  assert.equal(kind({ status: 422, page: true, twin: {} }), 'beside');
  assert.equal(kind({ status: 200, page: true }), 'page');
});

test('what is said of a field the form shows stands there, the rest is told', () => {
  assert.deepEqual(spread({ name: 'a', other: 'b' }, ['name', 'amount']), { beside: [['name', 'a']], rest: ['b'] });
});

test('the same address has to be loaded anew, whatever its fragment', () => {
  const at = (text) => new URL(text, 'http://x/');

  assert.ok(same(at('/a?b=1#c'), at('/a?b=1')));
  assert.ok(!same(at('/a?b=1'), at('/a?b=2')));
});
