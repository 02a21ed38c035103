// What a typed date means: 2026-12-31 in any punctuation, without a year the one that comes next, 今天 and 明天.
'use strict';
(() => {
  const COMPACT = /^(\d{4})(\d\d)(\d\d)$|^(\d\d)(\d\d)$/;
  const PARTED = /^(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?$/;
  const CLOCK = /^(\d{1,2})(?:[:：时点](\d{1,2})?分?)$|^(\d\d)(\d\d)$/;
  const WORDS = new Map([['今天', 0], ['today', 0], ['明天', 1], ['tomorrow', 1], ['后天', 2]]);
  const two = (n) => String(n).padStart(2, '0');
  const written = (y, m, d) => {
    const day = new Date(Date.UTC(y, m - 1, d));
    return day.getUTCMonth() === m - 1 && day.getUTCDate() === d ? `${y}-${two(m)}-${two(d)}` : null;
  };
  // `today` is 2026-11-29; a day without a year is this year's, or next year's where it has long gone by.
  const day = (text, today) => {
    const after = WORDS.get(text.toLowerCase());
    const [y, m, d] = today.split('-').map(Number);
    if (after !== undefined) return new Date(Date.UTC(y, m - 1, d + after)).toISOString().slice(0, 10);
    const whole = COMPACT.exec(text);
    const parted = PARTED.exec(text);
    const part = whole ? [whole[1], whole[2] || whole[4], whole[3] || whole[5]] : parted?.slice(1);
    if (!part) return null;
    const [month, date] = [Number(part[1]), Number(part[2])];
    return written(Number(part[0]) || (month < m - 6 ? y + 1 : y), month, date);
  };
  const clock = (text) => {
    const found = CLOCK.exec(text);
    const [h, n] = found ? [Number(found[1] ?? found[3]), Number(found[2] ?? found[4] ?? 0)] : [24, 0];
    return h < 24 && n < 60 ? `${two(h)}:${two(n)}` : null;
  };
  // The text as it is kept and shown, or as it was where it means no day: the server then says so.
  const tidy = (text, today, timed) => {
    const plain = text.normalize('NFKC').trim().replace(/(\d)T/, '$1 ').replace(/\s+/g, ' ');
    const [first, ...rest] = plain.split(' ');
    const found = day(first, today);
    if (!found || (rest.length && !timed)) return text;
    if (!rest.length) return timed ? `${found} 09:00` : found;
    const time = clock(rest.join(''));
    return time ? `${found} ${time}` : text;
  };
  const own = { tidy };
  if (typeof window === 'undefined') module.exports = own;
  else window.tcosDateText = own;
})();
