import { parseDatetime } from '../../lsps/base/datetime.ts'

/** Texts for people; everything here is pure, times and colours come as arguments. */

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
/** Colours a text, or leaves it as it is when nobody looks at it in a terminal. */
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_style, text) => text

const MSAT_PER_SAT = 1000n
const MSAT_DIGITS = 3

/** `1234567` becomes `1,234,567`. */
export function thousands(digits: string | number | bigint): string {
  return String(digits).replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

/** Millisatoshi shown in satoshi, to the last millisatoshi: `100,000 sat`, `0.001 sat`. */
export function formatMsat(msat: string): string {
  const amount = BigInt(msat)
  const sign = amount < 0n ? '-' : ''
  const size = amount < 0n ? -amount : amount
  const rest = size % MSAT_PER_SAT
  const fraction = rest === 0n ? '' : `.${rest.toString().padStart(MSAT_DIGITS, '0')}`
  return `${sign}${thousands(size / MSAT_PER_SAT)}${fraction} sat`
}

export function formatSat(sat: string): string {
  return `${thousands(sat)} sat`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** The largest two units: `2 d 3 h`, `45 s`. */
export function formatSeconds(seconds: number): string {
  let left = Math.floor(seconds)
  const parts: string[] = []
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(left / size)
    left -= amount * size
    if (amount > 0) parts.push(`${amount} ${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0 s'
}

/** `412 ms`, `1.412 s`, then as `formatSeconds`. */
export function formatMilliseconds(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(3)} s`
  return formatSeconds(ms / 1000)
}

/** A UTC datetime and how far it is from `now`: `2026-01-02T03:04:05Z (2 h ago)`. */
export function formatTime(datetime: string, now: number): string {
  const at = parseDatetime(datetime)
  if (at === undefined) return datetime
  const short = datetime.replace(/\.\d+Z$/, 'Z')
  const seconds = Math.round((now - at) / 1000)
  if (seconds === 0) return `${short} (now)`
  const distance = formatSeconds(Math.abs(seconds)).replace(/^(\d+ \S+) .*/, '$1')
  return seconds > 0 ? `${short} (${distance} ago)` : `${short} (in ${distance})`
}

/** `1 sale`, `2,000 sales`. */
export function plural(count: number, noun: string): string {
  return `${thousands(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Columns of a terminal that is not wide. */
export const WIDTH = 80

/** Breaks a text at spaces so that no line is wider than a terminal; later lines begin with `indent`. */
export function wrap(text: string, indent: string): string {
  const done: string[] = []
  let line = text
  while (line.length > WIDTH) {
    const at = line.lastIndexOf(' ', WIDTH)
    if (at <= indent.length) break // one long word
    done.push(line.slice(0, at))
    line = indent + line.slice(at + 1)
  }
  return [...done, line].join('\n')
}

/** Controls, marks that turn the direction of a line, and unassigned or private characters: `\\u001b`, as in JSON. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu

/** What others wrote, without power over a terminal. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** First and last characters of a long id. */
export function shortId(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}..${id.slice(-4)}` : id
}

/** Outpoints are long: the first and last characters of the txid and the index. A short channel id stays as it is. */
export function shortOutpoint(id: string): string {
  const [txid = '', index] = id.split(':')
  return index === undefined ? (txid.includes('x') ? txid : shortId(txid)) : `${shortId(txid)}:${index}`
}

export type Cell = string | { readonly text: string; readonly style: Style }
export type Column = { readonly title: string; readonly align?: 'right' }

/** Aligned columns, two spaces apart, without trailing spaces. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  const titles = columns.map(({ title }) => ({ text: title, style: 'dim' as const }))
  const lines = columns.some(({ title }) => title !== '') ? [titles, ...rows] : rows
  const widths = columns.map((_, index) => Math.max(0, ...lines.map((line) => cellText(line[index]).length)))
  return lines.map((line) => tableLine(line, columns, widths, paint)).join('\n')
}

function tableLine(line: readonly Cell[], columns: readonly Column[], widths: readonly number[], paint: Paint): string {
  const cells = columns.map(({ align }, index) => {
    const cell = line[index]
    const text = cellText(cell)
    const shown = typeof cell === 'object' ? paint(cell.style, text) : text
    const space = ' '.repeat((widths[index] ?? 0) - text.length)
    const last = index === columns.length - 1
    return align === 'right' ? space + shown : shown + (last ? '' : space)
  })
  return cells.join('  ').trimEnd()
}

function cellText(cell: Cell | undefined): string {
  return typeof cell === 'object' ? cell.text : (cell ?? '')
}

/** Names and values below each other. */
export function pairs(rows: readonly (readonly [string, Cell])[], paint: Paint): string {
  const lines = rows.map(([name, value]): readonly Cell[] => [{ text: name, style: 'dim' }, value])
  return table([{ title: '' }, { title: '' }], lines, paint)
}
