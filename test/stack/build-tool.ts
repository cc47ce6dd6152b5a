import { spawn } from 'node:child_process'
import { holdProcess, releaseProcess } from './leash.ts'

const KEPT_LINES = 40

/**
 * Runs a build tool to its end and gives its standard output; it does not outlive this process. `onLine` sees each line
 * of standard error, where these tools tell their progress.
 *
 * @throws Error with the last lines of standard error when it fails, also after the signal's abort
 */
export function runTool(options: {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
  readonly signal?: AbortSignal | undefined
}): Promise<string> {
  const { command, args, cwd, env, onLine = () => undefined, signal } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      // Go removes its temporary folder after SIGINT.
      killSignal: 'SIGINT',
      ...(signal === undefined ? {} : { signal }),
    })
    const { pid } = child
    if (pid !== undefined) holdProcess(pid)
    let output = ''
    let rest = ''
    let kept: string[] = []
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
      kept = [...kept, ...lines].slice(-KEPT_LINES)
    })
    child.once('error', (error) => {
      // When it was told to end, it has ended only at 'close'.
      if (error.name !== 'AbortError') reject(error)
    })
    child.once('close', (code, killedBy) => {
      if (pid !== undefined) releaseProcess(pid)
      if (code === 0) resolve(output.trim())
      else
        reject(new Error(`${command} ${args[0]} ended with ${killedBy ?? code}:\n${[...kept, rest].join('\n').trim()}`))
    })
  })
}
