#!/usr/bin/env node
// npm run bench -- NAME [arguments]: runs one of bench/*.ts on the Node that the project brings
// along.
import { readdirSync } from 'node:fs'
import { launch } from './launch.js'

const names = readdirSync(new URL('../bench/', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
const [name, ...args] = process.argv.slice(2)
if (name !== undefined && names.includes(name)) await launch(`../bench/${name}.ts`, args)
else {
  const known = name === undefined || name === '--help' || name === '-h'
  if (!known) console.error(`There is no bench "${name}".`)
  console.error(
    `Usage: npm run bench -- NAME [arguments]\n\nBenches: ${names.join(', ')}.\nbench/README.md says what each one measures.`,
  )
  process.exitCode = known ? 0 : 1
}
