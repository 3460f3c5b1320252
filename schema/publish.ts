import { writeFileSync } from 'node:fs'
import { changeSchemaMajor, changeSchemaMinor, cloudEventJsonSchema } from './cloudEvent.ts'

// Writes the current version of the published schema. It never overwrites a version that consumers
// may have: raise the minor version first.
const file = new URL(
  `published/change-${changeSchemaMajor}.${changeSchemaMinor}.schema.json`,
  import.meta.url,
)
writeFileSync(file, `${JSON.stringify(cloudEventJsonSchema(), null, 2)}\n`, { flag: 'wx' })
console.log(`wrote ${file.pathname}`)
