import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Reads lines until this process is gone, however that came (exit, signal, kill -9), then kills the daemons and removes
 * the folders that are still held. It is a shell in a process group of its own, so that Ctrl-C does not reach it first.
 */
const KEEPER = `
pids=" "; folders=""
while IFS=' ' read -r verb what; do
  case "$verb" in
    hold) pids="$pids$what " ;;
    release) pids=$(printf %s "$pids" | sed "s/ $what / /") ;;
    folder) folders="$folders$what
" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
printf %s "$folders" | while IFS= read -r folder; do rm -rf "$folder"; done
`

let keeper: ChildProcess | undefined

function tell(line: string): void {
  if (keeper === undefined) {
    keeper = spawn('/bin/sh', ['-c', KEEPER], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    keeper.unref()
    const stdin = keeper.stdin as unknown as { unref?: () => void; on: (name: string, f: () => void) => void }
    stdin.on('error', () => undefined)
    stdin.unref?.()
  }
  keeper.stdin?.write(`${line}\n`)
}

/** From now on this process's end is the daemon's end. */
export function holdProcess(pid: number): void {
  tell(`hold ${pid}`)
}

export function releaseProcess(pid: number): void {
  tell(`release ${pid}`)
}

/** A new folder for temporary files, removed at the latest when this process ends. */
export function temporaryFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `sluice-${purpose}-`))
  holdFolder(folder)
  return folder
}

/** When this process ends, the folder goes, if it is there then. */
export function holdFolder(folder: string): void {
  tell(`folder ${folder}`)
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
