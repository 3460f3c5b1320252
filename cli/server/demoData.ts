/** Parameters of a demo world: equal size and seed produce an equal world. */
export interface DemoWorld {
  companies: number
  seed: number
}

/** Data of the thread that sends the demo world. */
export interface DemoData extends DemoWorld {
  databaseUrl: string
  sources: string | undefined
}
