import { writeFileSync } from 'node:fs'
import { changeSchemaMajor, changeSchemaMinor, cloudEventJsonSchema } from './cloudEvent.ts'

// Writes the current version of the published schema. Versions that consumers already have are never written again:
// raise the minor version first.
const file = new URL(`published/change-${changeSchemaMajor}.${changeSchemaMinor}.schema.json`, import.meta.url)
writeFileSync(file, `${JSON.stringify(cloudEventJsonSchema(), null, 2)}\n`, { flag: 'wx' })
console.log(`wrote ${file.pathname}`)
