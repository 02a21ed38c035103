'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { picked, chosen, marked, pictured } = require('../../static/cockpit.js');

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

test('a bar is chosen where all that it sets is set, as a second click would find it', () => {
  const picks = [['owner', 4], [], ['owner', '5', 'kind', 'call'], null, ['owner', '5']];
  const at = (state, trace) => chosen(`${PAGE}?${state}`, trace);

  assert.deepEqual(at('owner=4', { customdata: picks }), [0]);
  assert.deepEqual(at('owner=5', { customdata: picks }), [4]);
  assert.deepEqual(at('owner=5&kind=call&page=2', { customdata: picks }), [2, 4]);
  assert.deepEqual(at('owner=4,5', { customdata: picks }), []);
  assert.deepEqual(at('owner=4', {}), []);
  assert.deepEqual(at('hour=1-09', { type: 'heatmap', customdata: [[['hour', '0-09']], [['hour', '1-08'], ['hour', '1-09']]] }), [[1, 1]]);
});

test('what is chosen stays full with an edge and is told by name, the others of every series are paler', () => {
  const stacked = ['call', 'visit'].map((kind) => ({
    type: 'bar', marker: { color: '#111' }, hovertext: ['A&amp;B<br>3', 'C<br>4'],
    customdata: [['owner', '1', 'kind', kind], ['owner', '2', 'kind', kind]],
  }));
  const { data, told } = marked(`${PAGE}?owner=1&kind=visit`, { data: stacked, layout: {} }, '#000');

  assert.deepEqual(told, ['A&B 3']);
  assert.deepEqual(data.map((trace) => trace.selectedpoints), [[], [0]]);
  assert.ok(data.every((trace) => trace.unselected.marker.opacity < 1));
  assert.deepEqual(data[1].marker, { color: '#111', line: { color: ['#000', '#000'], width: [2, 0] } });
  assert.deepEqual(marked(PAGE, { data: stacked, layout: {} }, '#000'), { data: stacked, layout: {}, told: [] });
});

test('a cell of a field lies framed on the paler field, in the same colour as before', () => {
  const field = { type: 'heatmap', z: [[0, 8]], x: ['9:00', '10:00'], y: ['Mon'], customdata: [[['hour', '0-09'], ['hour', '0-10']]] };
  const { data, layout, told } = marked(`${PAGE}?hour=0-10`, { data: [field], layout: {} }, '#000');

  assert.deepEqual(told, ['Mon 10:00']);
  assert.deepEqual(data.map(({ z, zmax }) => [z, zmax]), [[[[0, 8]], 8], [[[null, 8]], 8]]);
  assert.ok(data[0].opacity < 1 && data[1].opacity === undefined);
  assert.deepEqual([layout.shapes[0].x0, layout.shapes[0].y1], [0.5, 0.5]);
});
