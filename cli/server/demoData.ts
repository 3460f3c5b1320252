/** Which demo world: the same size and seed give the same one. */
export interface DemoWorld {
  companies: number
  seed: number
}

/** What the thread that sends the demo world receives when it starts. */
export interface DemoData extends DemoWorld {
  databaseUrl: string
  sources: string | undefined
}
