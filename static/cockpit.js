// Charts of a summary: drawn from JSON; a click on a bar sets its filter, a second click removes it.
'use strict';
(() => {
  // A flat list of parameter and value as pairs, and whether an address has all of them.
  const pairs = (pick) => Array.from({ length: (pick?.length ?? 0) >> 1 }, (_, n) => [pick[2 * n], String(pick[2 * n + 1])]);
  const isSet = (address, pick) => pick?.length > 1 && pairs(pick).every(([name, value]) => address.searchParams.get(name) === value);

  // The address after a click on what filters by `pick`: all of it set means: take it away.
  const picked = (href, pick) => {
    const address = new URL(href);
    const set = isSet(address, pick);
    const names = pairs(pick).map(([name, value]) => {
      if (set) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
      return name;
    });
    if (names.includes('from')) address.searchParams.delete('preset');
    if (names.includes('by')) address.searchParams.delete('sort');  // the other grain has other columns
    address.searchParams.delete('page');
    return address.href;
  };
  // The points of a trace that filter by what an address is filtered by: places, of a field of cells [row, column].
  const chosen = (href, { type, customdata }) => {
    const address = new URL(href);
    const among = (picks) => (picks ?? []).flatMap((pick, n) => (isSet(address, pick) ? [n] : []));
    if (type !== 'heatmap') return among(customdata);
    return (customdata ?? []).flatMap((row, n) => among(row).map((m) => [n, m]));
  };
  // What a point is called: its bubble as one line.
  const called = ({ hovertext, x, y }, at) => {
    const [n, m] = [at].flat();
    const bubble = m === undefined ? hovertext?.[n] : hovertext?.[n]?.[m];
    return (bubble ?? `${y[n]} ${x[m ?? n]}`).replaceAll('<br>', ' ').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
  };
  // A chart on which the points that an address is filtered by stay full and have an edge; `told` are their names.
  const marked = (href, { data, layout }, edge) => {
    const found = data.map((trace) => chosen(href, trace));
    const told = data.flatMap((trace, n) => found[n].map((at) => called(trace, at)));
    if (!told.length) return { data, layout, told };
    const shapes = [...(layout.shapes ?? [])];
    const drawn = data.flatMap((trace, n) => {
      if (trace.type === 'heatmap') {  // no library draws a cell of it otherwise: the chosen ones lie on a paler field
        const on = found[n].map(String);
        found[n].forEach(([y, x]) => shapes.push({ type: 'rect', x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { color: edge, width: 2 } }));
        const scale = { zmin: 0, zmax: Math.max(1, ...trace.z.flat()) };
        const z = trace.z.map((row, r) => row.map((value, c) => (on.includes(`${r},${c}`) ? value : null)));
        return [{ ...trace, ...scale, opacity: PALE }, { ...trace, ...scale, z, hoverongaps: false }];
      }
      const line = trace.marker?.line ?? {};
      const each = (yes, no) => trace.customdata?.map((_, at) => (found[n].includes(at) ? yes : no)) ?? no;
      const edged = { ...line, color: each(edge, line.color ?? edge), width: each(2, line.width ?? 0) };
      const pale = trace.type === 'funnel' ? {} : { unselected: { marker: { opacity: PALE } } };  // a funnel pales by itself
      return [{ ...trace, ...pale, selectedpoints: found[n], marker: { ...trace.marker, line: edged } }];
    });
    return { data: drawn, layout: { ...layout, shapes }, told };
  };
  // What plotly would take for markup is text of people.
  const plain = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const HEAD = 66;  // pixels for a picture's title, filters and moment
  const PALE = 0.35;

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
  if (typeof document === 'undefined') { module.exports = { picked, chosen, marked, pictured }; return; }

  const read = async (address) => {
    const answer = await fetch(address, { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };

  const place = document.querySelector('[data-charts]');

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
  const calm = () => tiles.querySelectorAll('[aria-busy]').forEach((room) => room.removeAttribute('aria-busy'));
  if (tiles) compare().catch(() => {}).finally(calm);  // the numbers stand without it
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
    const { data, layout: given, told } = marked(location.href, chart, colour('--text'));
    drawing.setAttribute('aria-label', [title, told.length && `${place.dataset.chosen}${told.join(' · ')}`].filter(Boolean).join(' · '));
    room.replaceChildren(drawing);
    const axis = { gridcolor: colour('--line'), zerolinecolor: colour('--edge'), fixedrange: true };
    const layout = {
      ...given,
      font: { ...given.font, color: colour('--text') },
      xaxis: { ...given.xaxis, ...axis },
      yaxis: { ...given.yaxis, ...axis },
      dragmode: false,
    };
    drawing.dataset.height = layout.height ?? '';
    await Plotly.newPlot(drawing, data, layout, options);
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
