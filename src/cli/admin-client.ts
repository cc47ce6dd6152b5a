import { type IncomingMessage, request } from 'node:http'
import * as z from 'zod'
import { AdminFault } from '../admin/schema.ts'
import { CliError } from './errors.ts'
import { EXIT } from './exit-codes.ts'

const TIMEOUT_MS = 10_000
/** A page of 1000 sales has well under 1 MiB. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/**
 * Asks the running daemon.
 * @throws CliError that says why there is no answer, and what to do
 */
export function askDaemon<T>(
  socketPath: string,
  path: string,
  schema: z.ZodType<T>,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  return exchange({ socketPath, path, method: 'GET', timeoutMs }, schema)
}

/**
 * Tells the running daemon to do something, in JSON.
 * @throws CliError that says why there is no answer, and what to do
 */
export function tellDaemon<T>(
  socketPath: string,
  path: string,
  body: object,
  schema: z.ZodType<T>,
  timeoutMs = TIMEOUT_MS,
): Promise<T> {
  return exchange({ socketPath, path, method: 'POST', body: JSON.stringify(body), timeoutMs }, schema)
}

type Question = {
  readonly socketPath: string
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly body?: string
  readonly timeoutMs: number
}

async function exchange<T>(question: Question, schema: z.ZodType<T>): Promise<T> {
  const { path } = question
  const { status, text } = await fetchText(question)
  const body = parseJson(text)
  if (status === 200) return understood(schema.safeParse(body), path)
  const fault = AdminFault.safeParse(body)
  const message = fault.success ? fault.data.error.message : text
  if (status === 404) throw new CliError(EXIT.NOT_FOUND, message)
  if (status === 400) throw new CliError(EXIT.USAGE, message)
  if (status === 409) throw new CliError(EXIT.FAILED, message)
  throw new CliError(EXIT.FAILED, `sluiced could not answer: ${message}`)
}

function understood<T>(result: z.ZodSafeParseResult<T>, path: string): T {
  if (result.success) return result.data
  const what = z.prettifyError(result.error)
  throw new CliError(
    EXIT.FAILED,
    `sluiced answered ${path} in a form that this sluice does not know; are both of one version?\n${what}`,
  )
}

function fetchText({ socketPath, path, method, body, timeoutMs }: Question): Promise<{
  readonly status: number
  readonly text: string
}> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const asked = request(
      { socketPath, path, method, signal, headers: { connection: 'close', ...type } },
      (response) => {
        collect(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
      },
    )
    asked.on('error', (error) => reject(describeConnection(error, socketPath, timeoutMs)))
    asked.end(body)
  })
}

async function collect(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_ANSWER_BYTES) throw new CliError(EXIT.FAILED, `the answer has more than ${MAX_ANSWER_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function describeConnection(error: NodeJS.ErrnoException, socketPath: string, timeoutMs: number): CliError {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new CliError(
        EXIT.UNREACHABLE,
        `sluiced is not running: nobody listens at ${socketPath}.\n` +
          'Start it with `sluiced`, or name its config with --config. If it runs: is admin.enabled true?',
      )
    case 'EACCES':
    case 'EPERM':
      return new CliError(
        EXIT.PERMISSION,
        `${socketPath} may not be opened by this user. Run sluice as the user that runs sluiced.`,
      )
    case 'ABORT_ERR':
      return new CliError(EXIT.TIMED_OUT, `sluiced did not answer within ${timeoutMs / 1000} s. Look at its log.`)
    default:
      return new CliError(EXIT.FAILED, `sluiced could not be asked at ${socketPath}: ${error.message}`)
  }
}
