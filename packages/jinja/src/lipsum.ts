// SPDX-License-Identifier: Apache-2.0
import type { Environment } from './environment.ts';
import { typeError } from './errors.ts';

const WORDS = (
  'a ac accumsan ad adipiscing aenean aliquam aliquet amet ante aptent arcu at auctor augue bibendum blandit class commodo ' +
  'condimentum congue consectetuer consequat conubia convallis cras cubilia cum curabitur curae cursus dapibus diam dictum ' +
  'dictumst dignissim dis dolor donec dui duis egestas eget eleifend elementum elit enim erat eros est et etiam eu euismod ' +
  'facilisi facilisis fames faucibus felis fermentum feugiat fringilla fusce gravida habitant habitasse hac hendrerit ' +
  'hymenaeos iaculis id imperdiet in inceptos integer interdum ipsum justo lacinia lacus laoreet lectus leo libero ligula ' +
  'litora lobortis lorem luctus maecenas magna magnis malesuada massa mattis mauris metus mi molestie mollis montes morbi mus'
).split(' ');

/** Paragraphs of filler words with as many commas and full stops as in Jinja's; drawn from the record's stream. */
export function lipsum(n: number, html: boolean, min: number, max: number, env: Environment): string {
  if (max <= min) throw typeError(`empty range for lipsum: ${String(min)} to ${String(max)} words`);
  const paragraphs: string[] = [];
  for (let i = 0; i < n; i++) {
    const text = paragraph(min + env.draw(max - min), env);
    env.meter.chars(text.length + 9);
    paragraphs.push(html ? `<p>${text}</p>` : text);
  }
  return paragraphs.join(html ? '\n' : '\n\n');
}

function paragraph(count: number, env: Environment): string {
  const words: string[] = [];
  let [begins, comma, stop] = [true, 0, 0];
  let last = -1;
  for (let i = 0; i < count; i++) {
    env.meter.step();
    env.meter.pieces(1);
    // Never the same word twice in a row.
    let at = env.draw(last < 0 ? WORDS.length : WORDS.length - 1);
    if (last >= 0 && at >= last) at++;
    last = at;
    let word = WORDS[at] ?? '';
    if (begins) word = word.slice(0, 1).toUpperCase() + word.slice(1);
    begins = false;
    if (i - (3 + env.draw(5)) > comma) {
      comma = i;
      stop += 2;
      word += ',';
    }
    if (i - (10 + env.draw(10)) > stop) {
      comma = stop = i;
      word += '.';
      begins = true;
    }
    words.push(word);
  }
  const text = words.join(' ');
  return text.endsWith('.') ? text : `${text.replace(/,$/, '')}.`;
}
