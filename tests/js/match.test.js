'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { fold, narrowed, only } = require('../../static/match.js');

const STATUS = [['new', '新客户', 'xinkehu xkh'], ['talks', '洽谈中', 'qiatanzhong qtz'], ['lost', '已流失', 'yiliushi yls']];
const PEOPLE = [['1', '小张伟', 'xiaozhangwei xzw'], ['2', '张伟强', 'zhangweiqiang zwq'], ['3', '张伟', 'zhangwei zw'], ['4', 'Ann  Lee', '']];
const keys = (text, options) => narrowed(text, options).map(([key]) => key);

test('a part of a name, its pinyin and its initials find it', () => {
  ['洽谈', '洽谈中', '谈', 'qtz', 'QTZ', 'qiatan', ' ｑｔｚ '].forEach((text) => assert.deepEqual(keys(text, STATUS), ['talks'], text));
  ['没有这个', 'qqq', '洽 流'].forEach((text) => assert.deepEqual(keys(text, STATUS), [], text));
});

test('nothing typed leaves all options in their order', () => {
  assert.deepEqual(keys('', STATUS), ['new', 'talks', 'lost']);
  assert.deepEqual(keys('  ', STATUS), ['new', 'talks', 'lost']);
});

test('the same name is first, then what begins with it, then the same spelling, then any part', () => {
  assert.deepEqual(keys('张伟', PEOPLE), ['3', '2', '1']);
  assert.deepEqual(keys('zw', PEOPLE), ['3', '1', '2']);
  assert.deepEqual(keys('zhangwei', PEOPLE), ['3', '1', '2']);
});

test('several words may match at several places', () => {
  assert.deepEqual(keys('lee ann', PEOPLE), ['4']);
});

test('a text stands for one option only where there is no doubt', () => {
  assert.equal(only('张伟', PEOPLE)[0], '3');
  assert.equal(only('张', PEOPLE), null);
  assert.equal(only('洽谈', STATUS)[0], 'talks');
  assert.equal(only('没有', STATUS), null);
  assert.equal(only(' ', [STATUS[0]]), null);
  assert.equal(only('张伟', [...PEOPLE, ['5', '张伟', 'zhangwei zw']]), null);
});

test('the name of a group stands for all in it, after what is called so itself', () => {
  const trades = [['1', '机械装备', 'jxzb', '常用行业'], ['2', '纺织业', 'fzy', '制造业'], ['3', '其他制造业', 'qtzzy', '制造业'], ['4', '零售业', 'lsy', '批发和零售业']];
  assert.deepEqual(keys('制造业', trades), ['3', '2']);
  assert.deepEqual(keys('fzy', trades), ['2']);
  assert.deepEqual(keys('零售', trades), ['4']);
  assert.equal(only('制造业', trades)[0], '3'); // the only one that is called so itself
  assert.equal(only('零售业', trades)[0], '4');
  assert.equal(only('业', trades), null);
});

test('a long list is in the order of its matches, whatever was asked before', () => {
  const many = Array.from({ length: 2000 }, (_, n) => [String(n), `产品${n}`, `chanpin${n} cp${n}`]);
  assert.equal(narrowed('产品1999', many).length, 1);
  assert.equal(narrowed('ＣＰ７', many)[0][0], '7');
  assert.equal(narrowed('', many), many);
});

test('width, case and blanks make no difference', () => {
  assert.equal(fold('  Ａnn \t LEE '), 'ann lee');
  assert.equal(fold(null), '');
});
