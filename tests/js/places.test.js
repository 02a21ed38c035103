'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { flatten, search } = require('../../static/places.js');

const TREE = [
  ['42', '湖北省', 'hu bei sheng', [
    ['4201', '武汉市', 'wu han shi', [['420111', '洪山区', 'hong shan qu', []], ['420106', '武昌区', 'wu chang qu', []]]],
    ['4290', '直辖县级', 'zhi xia xian ji', [['429004', '仙桃市', 'xian tao shi', []]]],
  ]],
  ['11', '北京市', 'bei jing shi', [['1101', '市辖区', 'shi xia qu', [['110105', '朝阳区', 'chao yang qu', []]]]]],
];
const places = flatten(TREE);
const first = (text) => search(text, places)[0]?.code;

test('a place is named by all its levels but those that are no part of a name', () => {
  const texts = Object.fromEntries(places.map((one) => [one.code, one.text]));

  assert.equal(texts['420111'], '湖北省武汉市洪山区');
  assert.equal(texts['429004'], '湖北省仙桃市');
  assert.equal(texts['110105'], '北京市朝阳区');
  assert.deepEqual(places.filter((one) => one.leaf).map((one) => one.code), ['420111', '420106', '429004', '110105']);
});

test('names, pinyin and initials find a place, letters at any distance too', () => {
  ['洪山', '武汉洪山', 'hongshan', 'wuhanshihongshan', 'hsq', 'whhs', 'HSQ', '洪 山'].forEach((text) => assert.equal(first(text), '420111', text));
  assert.equal(first('朝阳'), '110105');
  assert.equal(first('没有'), undefined);
  assert.equal(first('zzz'), undefined);
});

test('what begins with the text is before what only holds it, the shorter name first', () => {
  assert.deepEqual(search('武', places).map((one) => one.code), ['4201', '420106', '420111']);
  assert.deepEqual(search('市', places).slice(0, 2).map((one) => one.code), ['1101', '11']);
});
