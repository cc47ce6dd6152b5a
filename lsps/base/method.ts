import type * as z from 'zod'

/** One error that a method may answer, as its spec defines it. */
export type FaultDefinition = {
  readonly code: number
  /** The spec's own name of the error. */
  readonly name: string
  /** What the peer reads in `error.message`. */
  readonly message: string
}

/** A request of a spec: what it takes, what it answers and how it may fail. */
export type Method<Params extends z.ZodObject = z.ZodObject, Result extends z.ZodType = z.ZodType> = {
  /** One sentence for the generated reference. */
  readonly summary: string
  /** Strict: LSPS0 wants unknown parameters refused by name (L0-30). */
  readonly params: Params
  /** Not strict: clients ignore result fields that they do not know (L0-37). */
  readonly result: Result
  /** Besides the errors that every method has (`rpc/fault.ts`). */
  readonly faults: readonly FaultDefinition[]
}

/** The methods of one spec by their full name; it drives the server, the typed client, validation and the docs. */
export type MethodTable = Readonly<Record<string, Method>>

/** Declares a method and keeps the exact types of its codecs. */
export function method<Params extends z.ZodObject, Result extends z.ZodType>(
  definition: Method<Params, Result>,
): Method<Params, Result> {
  return definition
}

/**
 * What an LSP says to a webhook, by its full name; params are not strict, since receivers ignore what they do not know
 * (L5-48). Other specs than LSPS5 may have such tables, under their own prefix (L5-33).
 */
export type NotificationTable = Readonly<Record<string, { readonly summary: string; readonly params: z.ZodObject }>>

/** The decoded parameters of a method: amounts are bigints, times are milliseconds. */
export type ParamsOf<M extends Method> = z.output<M['params']>

/** The decoded result of a method: amounts are bigints, times are milliseconds. */
export type ResultOf<M extends Method> = z.output<M['result']>

/**
 * What a server must supply for a table: decoded values in, decoded values out; an error for the peer is thrown as
 * `RpcFault`. `Context` is all that a handler learns about the caller.
 */
export type Handlers<Table extends MethodTable, Context> = {
  readonly [Name in keyof Table]: (context: Context, params: ParamsOf<Table[Name]>) => Promise<ResultOf<Table[Name]>>
}
