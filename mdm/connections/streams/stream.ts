/** The name under which the stream of a source system has its state, lease and position. */
export const STREAM = 'stream'
