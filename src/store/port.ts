/** One change to one record. Writes are values, so that what is atomic is visible where it matters. */
export type Write =
  | { readonly type: 'put'; readonly table: string; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly table: string; readonly key: string }

export type Range = {
  /** Keys that start with this text. */
  readonly prefix?: string
  /** Strictly above this key (or below it, when `reverse`). */
  readonly after?: string
  readonly limit?: number
  readonly reverse?: boolean
}

/** An ordered store of text records in named tables. Table names are letters and dashes; keys sort by code unit. */
export interface Store {
  get(table: string, key: string): Promise<string | undefined>
  entries(table: string, range?: Range): AsyncIterable<readonly [key: string, value: string]>
  /** Keys only: fast even over a large table. */
  keys(table: string, range?: Range): Promise<readonly string[]>
  /** All of them or none, on disk (synced) when it resolves. Commits are applied in the order of the calls. */
  commit(writes: readonly Write[]): Promise<void>
  close(): Promise<void>
}
