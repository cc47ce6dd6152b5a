/** What each benchmark gets. */
export type BenchOptions = {
  /** A folder on a real disk, empty. */
  readonly folder: string
  readonly rounds: number
  /** Progress. */
  readonly log: (line: string) => void
}
