// Charts of a summary: drawn from JSON; a click on a bar sets its filter, a second click removes it.
'use strict';
(() => {
  // The address after a click: `pick` is a flat list of parameter and value; all of them set means: take them away.
  const picked = (href, pick) => {
    const address = new URL(href);
    const pairs = [];
    for (let n = 0; n < pick.length; n += 2) pairs.push([pick[n], String(pick[n + 1])]);
    const set = pairs.every(([name, value]) => address.searchParams.get(name) === value);
    for (const [name, value] of pairs) {
      if (set) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    const names = pairs.map(([name]) => name);
    if (names.includes('from')) address.searchParams.delete('preset');
    if (names.includes('by')) address.searchParams.delete('sort');  // the other grain has other columns
    address.searchParams.delete('page');
    return address.href;
  };
  // What plotly would take for markup is text of people.
  const plain = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const HEAD = 66;  // pixels for a picture's title, filters and moment

  // A chart as it leaves the page: on white, under its title, the filters and the moment of its data.
  const pictured = ({ data, layout }, title, lines, { width, height }) => {
    const most = Math.floor(width / 12);
    const cut = lines.filter(Boolean).map((line) => plain(line.length > most ? `${line.slice(0, most - 1)}…` : line));
    const text = [plain(title), ...cut].join('<br>');  // bold and sizes are styles, which the policy shuts out
    return {
      data,
      layout: {
        ...layout, width, height: height + HEAD, paper_bgcolor: '#ffffff', plot_bgcolor: '#ffffff',
        font: { ...layout.font, color: '#1f2733' },
        margin: { ...layout.margin, t: (layout.margin?.t ?? 36) + HEAD },
        title: { text, x: 0, xref: 'container', xanchor: 'left', pad: { l: 8, t: 22 }, y: 1, yref: 'container', yanchor: 'top', font: { size: 13 } },
      },
    };
  };
  // Cells as lines that a spreadsheet takes: no tabs in them, and no text of people that is a formula.
  const tabbed = (rows) => rows.map((cells) => cells.map(({ text, number }) => {
    const line = text.replace(/\s+/g, ' ').trim();
    return !number && /^[=+\-@]/.test(line) ? `'${line}` : line;
  }).join('\t')).join('\n');
  if (typeof document === 'undefined') { module.exports = { picked, pictured, tabbed }; return; }

  const read = async (address) => {
    const answer = await fetch(address, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };

  const place = document.querySelector('[data-charts]');

  // The table of the page for a spreadsheet; the button carries the text that tcos.js copies.
  const copying = document.querySelector('[data-copies]');
  const wording = (cell) => {
    const whole = cell.cloneNode(true);
    whole.querySelectorAll('.only, summary').forEach((part) => part.remove());
    return { text: whole.textContent, number: cell.classList.contains('r') };
  };
  const copy = async () => {
    const rows = [...document.querySelector(copying.dataset.copies).rows].map((row) => [...row.cells].map(wording));
    const text = tabbed(rows);
    try { await navigator.clipboard.writeText(text); } catch {
      const box = Object.assign(document.createElement('textarea'), { value: text, className: 'sr' });
      copying.after(box);
      box.select();
      document.execCommand('copy');
      box.remove();
      copying.focus();
    }
    const toast = Object.assign(document.createElement('div'), { className: 'toast', textContent: copying.dataset.copied });
    document.querySelector('.toasts').append(toast);
    setTimeout(() => toast.remove(), 3000);
  };
  copying?.addEventListener('click', copy);

  // Bars in cells; a column moves up in the menu of columns, the first one stays in sight.
  document.querySelectorAll('[data-share]').forEach((cell) => cell.style.setProperty('--share', `${cell.dataset.share}%`));
  document.querySelector('[data-order]')?.addEventListener('click', (event) => {
    const line = event.target.closest('[data-up]')?.closest('li');
    line?.previousElementSibling?.before(line);
    line?.querySelector('[data-up]').focus();
  });

  // A period that ends before it begins is said beside its field.
  const { from: begins, to: ends } = document.querySelector('form[data-lean]')?.elements ?? {};
  [begins, ends].forEach((field) => field?.addEventListener('input', () => {
    ends.setCustomValidity(begins.value && ends.value && ends.value < begins.value ? ends.form.dataset.early : '');
  }));

  // A form leaves out what is empty, so that the address says only what is asked.
  document.querySelector('form[data-lean]')?.addEventListener('submit', (event) => {
    const given = new FormData(event.target);
    for (const field of event.target.elements) {
      if (field.name && field.value === '') field.disabled = true;
      const dates = given.get('from') || given.get('to');
      if (field.name === 'preset' && dates) field.disabled = true;
    }
  });
  // Back from the browser's cache: what was left out can be filled in again.
  addEventListener('pageshow', () => {
    document.querySelectorAll('form[data-lean] :disabled').forEach((field) => { field.disabled = false; });
  });

  // A row of links that is wider than a phone begins where the page is.
  document.querySelectorAll('.filterbar nav').forEach((row) => {
    const here = row.querySelector('[aria-current]');
    if (here) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.clientWidth) / 2;
  });

  // 环比 and 同比 come by themselves: a page is not kept waiting for the periods it is compared with.
  const tiles = document.querySelector('[data-changes]');
  const compare = async () => {
    for (const [key, changes] of Object.entries(await read(tiles.dataset.changes))) {
      const spans = changes.map(({ text, title }) => Object.assign(document.createElement('span'), { textContent: text, title }));
      tiles.querySelector(`[data-tile="${key}"]`)?.replaceChildren(...spans);
    }
    tiles.dataset.compared = '';
  };
  if (tiles) compare().catch(() => {});  // the numbers stand without it
  if (!place) return;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const options = {
    displayModeBar: false, displaylogo: false, responsive: true,
    showSendToCloud: false, plotlyServerURL: '', locale: 'en',
  };

  const follow = (pick) => {
    if (Array.isArray(pick) && pick.length > 1) location.assign(picked(location.href, pick));
  };

  const draw = async (figure, chart) => {
    const title = chart.layout.meta?.title || '';
    const room = figure.querySelector('.chart');
    figure.querySelector('h2').textContent = title;
    const drawing = document.createElement('div');
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', title);
    room.replaceChildren(drawing);
    const axis = { gridcolor: colour('--line'), zerolinecolor: colour('--edge'), fixedrange: true };
    const layout = {
      ...chart.layout,
      font: { ...chart.layout.font, color: colour('--text') },
      xaxis: { ...chart.layout.xaxis, ...axis },
      yaxis: { ...chart.layout.yaxis, ...axis },
      dragmode: false,
    };
    drawing.dataset.height = layout.height ?? '';
    await Plotly.newPlot(drawing, chart.data, layout, options);
    room.removeAttribute('aria-busy');
    if (room.scrollHeight > room.clientHeight) room.tabIndex = 0;  // the keyboard can scroll it
    drawing.on('plotly_click', (event) => follow(event.points[0]?.customdata));
    const clickable = chart.data.some((trace) => (trace.customdata || []).some((pick) => pick?.length));
    drawing.classList.toggle('clickable', clickable);
    save(figure, drawing, title);
  };

  // Paper is narrower than the screen: two charts side by side on a landscape A4.
  const PAPER = { width: 480, height: 560 };
  const fit = (paper) => {
    place.querySelectorAll('.chart [role="img"]').forEach((drawing) => {
      const height = Number(drawing.dataset.height) || undefined;
      const room = paper ? { width: PAPER.width, height: Math.min(height ?? PAPER.height, PAPER.height) } : { width: null, height, autosize: true };
      Plotly.relayout(drawing, room);
    });
  };
  addEventListener('beforeprint', () => fit(true));
  addEventListener('afterprint', () => fit(false));

  const save = (figure, drawing, title) => {
    if (figure.querySelector('[data-png]')) return;
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'btn sm', textContent: place.dataset.save });
    button.dataset.png = '';
    button.setAttribute('aria-label', `${place.dataset.save}：${title}`);
    button.addEventListener('click', () => {
      const size = { width: drawing.clientWidth, height: drawing.clientHeight };
      const picture = pictured(drawing, title, [place.dataset.told, place.dataset.moment], size);
      Plotly.downloadImage(picture, { format: 'png', filename: title, scale: 2, width: size.width, height: size.height + HEAD });
    });
    figure.querySelector('figcaption').append(button);
  };

  const fail = (figure) => {
    const text = document.createElement('p');
    text.className = 'muted';
    text.setAttribute('role', 'alert');
    text.textContent = place.dataset.failed;
    const button = document.createElement('button');
    Object.assign(button, { type: 'button', className: 'btn sm', textContent: place.dataset.retry });
    button.addEventListener('click', load);
    text.append(' ', button);
    const room = figure.querySelector('.chart');
    room.removeAttribute('aria-busy');
    room.replaceChildren(text);
  };

  async function load() {
    const figures = [...place.querySelectorAll('figure')];
    let charts = [];
    try {
      ({ charts } = await read(place.dataset.charts));
    } catch {
      figures.forEach(fail);
      return;
    }
    // One chart that cannot be drawn leaves the others alone.
    await Promise.all(figures.map(async (figure, n) => {
      if (!charts[n]) { figure.remove(); return; }
      try { await draw(figure, charts[n]); } catch { fail(figure); }
    }));
    place.dataset.drawn = figures.length;
  }
  load();
})();
