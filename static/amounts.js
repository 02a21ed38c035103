// Amounts as forms show them before they are sent: the server works out its own (services/core/texts.py,
// services/records/lines.py, services/deals/capital.py), tests/js/tables holds both to the same sums.
// Money is whole 分, a ratio whole basis points, a quantity whole thousandths.
'use strict';
(() => {
  const LARGEST = 10 ** 13; // 分
  const NUMBER = /^[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)$/;
  const FULL = 10000; // basis points
  const folded = (text) => String(text ?? '').normalize('NFKC').trim();

  // What the server refuses counts nothing here.
  const scaled = (text, places) => {
    const bare = text.replaceAll(' ', '');
    if (!NUMBER.test(bare)) return 0;
    const [whole, rest = ''] = bare.replace(/[+,]/g, '').split('.');
    const digits = rest.replace(/0+$/, '');
    return digits.length > places ? 0 : Number(`${whole}${digits.padEnd(places, '0')}`) || 0;
  };
  const limited = (number, least, most) => (number >= least && number <= most ? number : 0);
  const fen = (text) => limited(scaled(folded(text).replace(/^([+-]?)¥|元$/g, '$1'), 2), -LARGEST, LARGEST);
  const points = (text) => limited(scaled(folded(text).replace(/%$/, ''), 2), 0, FULL);
  const thousandths = (text) => limited(scaled(folded(text), 3), 0, 10 ** 12 - 1);

  // Half up, away from zero; products of three such numbers are beyond what a double holds.
  const divided = (product, by) => {
    const [half, whole] = [BigInt(by) / 2n, product < 0n ? -product : product];
    const found = Number((whole + half) / BigInt(by));
    return product < 0n ? -found : found;
  };
  const share = (whole, ratio) => divided(BigInt(whole) * BigInt(ratio), FULL);

  // A product line, of what is typed in it.
  const subtotal = ({ quantity, price, discount }) => {
    const ratio = folded(discount) ? points(discount) : FULL;
    return divided(BigInt(thousandths(quantity)) * BigInt(fen(price)) * BigInt(ratio), 1000 * FULL);
  };

  // What ratios make of an amount, the last one taking the remainder; null where they do not make all of it.
  const total = (some) => some.reduce((sum, one) => sum + one, 0);
  const spread = (ratios, whole) => {
    if (total(ratios) !== FULL) return null;
    const found = ratios.map((one) => share(whole, one));
    found[found.length - 1] += whole - total(found);
    return found;
  };
  const shares = (ratios, whole) => (whole && !ratios.includes(0) ? spread(ratios, whole) : null);
  // The amounts of the rows of a plan: what is typed, or what the ratio gives; a blank row is none.
  const instalments = (rows, whole) => {
    const filled = rows.filter(({ amount, ratio }) => folded(amount) || folded(ratio));
    const even = filled.every(({ amount }) => !folded(amount)) && spread(filled.map(({ ratio }) => points(ratio)), whole);
    if (even) return rows.map((row) => (filled.includes(row) ? even[filled.indexOf(row)] : 0));
    return rows.map(({ amount, ratio }) => (folded(amount) ? fen(amount) : share(whole, points(ratio))));
  };

  const plain = (amount) => (amount / 100).toFixed(2);
  const yuan = (amount) => (amount / 100).toLocaleString('zh-CN', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

  // 大写金额, as cheques and receipts spell it.
  const DIGITS = '零壹贰叁肆伍陆柒捌玖';
  const single = (text) => text.replace(/零+/g, '零').replace(/零$/, '');
  const spelled = (group) => single(['仟', '佰', '拾', ''].reduce((text, unit, at) => {
    const digit = Math.floor(group / 10 ** (3 - at)) % 10;
    return digit ? text + DIGITS[digit] + unit : `${text}零`;
  }, ''));
  const wholes = (amount) => {
    const groups = [];
    for (let rest = amount; rest; rest = Math.floor(rest / 10000)) groups.push(rest % 10000);
    return single(groups.reduceRight((text, group, at) => {
      if (!group) return `${text}零`;
      return text + (text ? spelled(group) : spelled(group).replace(/^零/, '')) + ['', '万', '亿', '万亿'][at];
    }, ''));
  };
  const capital = (amount) => {
    if (!amount) return '零元整';
    const rest = Math.abs(amount);
    const [whole, jiao, cent] = [Math.floor(rest / 100), Math.floor(rest / 10) % 10, rest % 10];
    const between = whole && cent ? '零' : '';
    return `${amount < 0 ? '负' : ''}${whole ? `${wholes(whole)}元` : ''}${
      jiao ? `${DIGITS[jiao]}角` : between}${cent ? `${DIGITS[cent]}分` : '整'}`;
  };

  const own = { fen, points, thousandths, subtotal, instalments, shares, plain, yuan, capital };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosAmounts = own;
})();
