/** Loaded into sluiced by `node --import`: its clock is so many milliseconds ahead. The product knows nothing of it. */
const ahead = Number(process.env.SLUICE_CLOCK_AHEAD_MS)
const { now } = Date

Date.now = () => now() + ahead
