/** What lnd's channel scoring remembers of a channel, in milliseconds: lost with its memory. */
export type Watch = {
  from: number
  onlineMs: number
  /** Undefined while the peer is away. */
  onlineSince: number | undefined
}

const MS_PER_SECOND = 1000

export function startWatch(now: number, online: boolean): Watch {
  return { from: now, onlineMs: 0, onlineSince: online ? now : undefined }
}

export function peerCame(watch: Watch, now: number): void {
  watch.onlineSince ??= now
}

export function peerWent(watch: Watch, now: number): void {
  watch.onlineMs += now - (watch.onlineSince ?? now)
  watch.onlineSince = undefined
}

export function scores(
  watch: Watch,
  now: number,
): { readonly lifetimeSeconds: number; readonly uptimeSeconds: number } {
  const online = watch.onlineMs + now - (watch.onlineSince ?? now)
  return {
    lifetimeSeconds: Math.floor((now - watch.from) / MS_PER_SECOND),
    uptimeSeconds: Math.floor(online / MS_PER_SECOND),
  }
}
