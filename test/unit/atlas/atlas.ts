import type { Step } from '../../../lsps/base/machine.ts'

export type Chart<State extends { readonly tag: string }, Event, Effect, Money> = {
  readonly first: string
  readonly states: readonly State[]
  /** Named as in the tables; the word before the first colon is the type. */
  readonly events: ReadonlyMap<string, Event>
  readonly step: (state: State, event: Event) => Step<State, Effect, Money>
  readonly isTerminal: (state: State) => boolean
  readonly nameState: (state: State) => string
  /** What changed besides the state's name. */
  readonly nameChange: (before: State, after: State) => string
  readonly nameEffect: (effect: Effect) => string
  readonly nameMoney: (money: Money) => string
}

/** All samples of a table that is keyed by tag. */
export function samplesOf<State>(states: Readonly<Record<string, readonly State[]>>): readonly State[] {
  return Object.values(states).flat()
}

/** All samples of events: `type`, or `type: what is special about it`. */
export function eventsOf<Event>(events: Readonly<Record<string, Readonly<Record<string, Event>>>>): Map<string, Event> {
  const named = Object.entries(events).flatMap(([type, samples]) =>
    Object.entries(samples).map(([what, event]) => [what === '' ? type : `${type}: ${what}`, event] as const),
  )
  return new Map(named)
}

/** Steps every sample state by every sample event: a diagram, and a table for each state. */
export function drawMachine<State extends { readonly tag: string }, Event, Effect, Money>(
  chart: Chart<State, Event, Effect, Money>,
): string {
  return [
    drawDiagram(chart),
    ...chart.states.filter((state) => !chart.isTerminal(state)).map((state) => drawTable(chart, state)),
  ].join('\n\n')
}

function drawDiagram<State extends { readonly tag: string }, Event, Effect, Money>(
  chart: Chart<State, Event, Effect, Money>,
): string {
  const edges = new Map<string, Set<string>>()
  for (const state of chart.states) {
    for (const [name, event] of chart.events) {
      const { state: after, ignored } = chart.step(state, event)
      if (ignored !== undefined) continue
      const edge = `${state.tag} --> ${after.tag}`
      edges.set(edge, (edges.get(edge) ?? new Set()).add(typeOf(name)))
    }
  }
  const ends = new Set(chart.states.filter((state) => chart.isTerminal(state)).map(({ tag }) => tag))
  return [
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${chart.first}`,
    ...[...edges].map(([edge, types]) => `  ${edge}: ${[...types].join(', ')}`),
    ...[...ends].map((tag) => `  ${tag} --> [*]`),
    '```',
  ].join('\n')
}

function drawTable<State extends { readonly tag: string }, Event, Effect, Money>(
  chart: Chart<State, Event, Effect, Money>,
  state: State,
): string {
  const rows: string[] = []
  const ignored: string[] = []
  for (const [name, event] of chart.events) {
    const step = chart.step(state, event)
    if (step.ignored !== undefined) {
      ignored.push(name)
      continue
    }
    const change = chart.nameChange(state, step.state)
    const after = `\`${chart.nameState(step.state)}\`${change === '' ? '' : `; ${change}`}`
    const consequences = [...step.effects.map(chart.nameEffect), ...step.money.map(chart.nameMoney)]
    rows.push(`| ${name} | ${after} | ${consequences.join(', ')} |`)
  }
  const table = ['| event | becomes | and asks for |', '|---|---|---|', ...rows]
  return [
    `**${chart.nameState(state)}**`,
    '',
    ...table,
    '',
    `Ignores ${shorten(ignored, chart.events).join('; ')}.`,
  ].join('\n')
}

/** Names a type alone where every sample of it is in the list. */
function shorten(names: readonly string[], events: ReadonlyMap<string, unknown>): readonly string[] {
  const isWhole = (type: string) => [...events.keys()].every((name) => typeOf(name) !== type || names.includes(name))
  return [...new Set(names.map((name) => (isWhole(typeOf(name)) ? typeOf(name) : name)))]
}

function typeOf(name: string): string {
  return name.split(':')[0] ?? name
}
