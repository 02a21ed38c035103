'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { picked } = require('../../static/cockpit.js');

const PAGE = 'https://crm.test/admin/cockpit/collections/';
const after = (state, ...pick) => new URL(picked(`${PAGE}?${state}`, pick)).search.slice(1);

test('a bar sets its filter and a second click takes it away, from the first page on', () => {
  assert.equal(after('level=a&page=3', 'owner', 4), 'level=a&owner=4');
  assert.equal(after('level=a&owner=4&page=2', 'owner', '4'), 'level=a');
  assert.equal(after('preset=month', 'from', '2026-11-01', 'to', '2026-11-30'), 'from=2026-11-01&to=2026-11-30');
});

test('a bar that leads to another grain leaves the order of the old one behind, both ways', () => {
  const age = ['from', '2026-10-01', 'to', '2026-10-31', 'by', 'plan', 'only', 'owing'];
  const there = 'from=2026-10-01&to=2026-10-31&by=plan&only=owing';
  assert.equal(after('by=owner&sort=-cash', ...age), 'by=plan&from=2026-10-01&to=2026-10-31&only=owing');
  assert.equal(after(`${there}&sort=due_on`, ...age), '');
  assert.equal(after('sort=-due&level=a', 'owner', '4'), 'sort=-due&level=a&owner=4');
});
