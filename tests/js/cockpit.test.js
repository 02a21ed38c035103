'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { picked, pictured, tabbed } = require('../../static/cockpit.js');

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

test('a picture stands on white under its title, the filters and the moment, and takes no markup from people', () => {
  const shown = { data: [], layout: { margin: { t: 36 }, font: { size: 12, color: '#fff' }, paper_bgcolor: 'rgba(0,0,0,0)' } };
  const { layout } = pictured(shown, '合同额 <b>', ['今年 · 客户：A&B', '数据截至 2026-11-30'], { width: 600, height: 300 });

  assert.equal(layout.paper_bgcolor, '#ffffff');
  assert.match(layout.title.text, /合同额 &lt;b>.*今年 · 客户：A&amp;B<br>数据截至 2026-11-30/);
  assert.ok(layout.margin.t > shown.layout.margin.t && layout.height > 300);
  assert.equal(shown.layout.font.color, '#fff');
  const long = pictured(shown, 'x', ['长'.repeat(300)], { width: 240, height: 300 }).layout.title.text;
  assert.ok(long.length < 120 && long.includes('…'));
  const bare = pictured(shown, 'x', [undefined, undefined], { width: 240, height: 300 });  // a page without filters
  assert.equal(bare.layout.title.text, 'x');
});

test('a copied table has a line a row, and no formula that people wrote', () => {
  const rows = [[{ text: '客户\n  单位' }, { text: '合同额', number: true }], [{ text: '=1+1' }, { text: '-3.00', number: true }]];

  assert.equal(tabbed(rows), "客户 单位\t合同额\n'=1+1\t-3.00");
});
