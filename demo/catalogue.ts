import { gtin13 } from './checkDigits.ts'
import { brand } from './naming.ts'
import { type Random, random } from './random.ts'
import { dayMs, type Product, worldStart } from './truth.ts'

const makers = [
  'Norvane',
  'Halden',
  'Kestrel',
  'Orbis',
  'Tavira',
  'Quillon',
  'Brixham',
  'Solvane',
  'Wexcor',
  'Lindmark',
]

interface Family {
  category: string
  kinds: readonly string[]
  sizes: readonly string[]
  unit: string
  prefix: string
  cents: readonly [low: number, high: number]
}

const goods: readonly Family[] = [
  {
    category: 'Pumps',
    kinds: ['Centrifugal Pump', 'Dosing Pump', 'Vacuum Pump', 'Submersible Pump'],
    sizes: ['1.5 kW', '2.2 kW', '4 kW', '7.5 kW'],
    unit: 'piece',
    prefix: 'PX',
    cents: [45_000, 420_000],
  },
  {
    category: 'Sensors',
    kinds: ['Pressure Sensor', 'Flow Meter', 'Temperature Probe', 'Level Sensor'],
    sizes: ['4-20 mA', '0-10 V', 'IO-Link', 'Modbus'],
    unit: 'piece',
    prefix: 'SN',
    cents: [6_500, 89_000],
  },
  {
    category: 'Valves',
    kinds: ['Ball Valve', 'Butterfly Valve', 'Solenoid Valve', 'Check Valve'],
    sizes: ['DN15', 'DN25', 'DN50', 'DN80'],
    unit: 'piece',
    prefix: 'VA',
    cents: [2_900, 64_000],
  },
  {
    category: 'Drives',
    kinds: ['Frequency Converter', 'Servo Drive', 'Gear Motor', 'Soft Starter'],
    sizes: ['0.75 kW', '3 kW', '11 kW', '22 kW'],
    unit: 'piece',
    prefix: 'DR',
    cents: [28_000, 310_000],
  },
  {
    category: 'Consumables',
    kinds: ['Filter Cartridge', 'Seal Kit', 'Lubricant', 'Cable Set'],
    sizes: ['5 µm', 'set of 10', '5 l', '10 m'],
    unit: 'box',
    prefix: 'CO',
    cents: [900, 18_000],
  },
]
const services: readonly Family[] = [
  {
    category: 'Software',
    kinds: ['Fleet Monitor', 'Plant Insight', 'Energy Ledger', 'Asset Cloud'],
    sizes: ['Starter', 'Team', 'Business', 'Enterprise'],
    unit: 'seat',
    prefix: 'SW',
    cents: [1_900, 24_900],
  },
  {
    category: 'Maintenance',
    kinds: ['Maintenance Plan', 'Inspection Plan', 'Spare Parts Plan'],
    sizes: ['Basic', 'Plus', 'Premium'],
    unit: 'site',
    prefix: 'MA',
    cents: [9_900, 149_000],
  },
  {
    category: 'Training',
    kinds: ['Operator Training', 'Safety Training', 'Commissioning'],
    sizes: ['1 day', '2 days', 'on site'],
    unit: 'day',
    prefix: 'TR',
    cents: [65_000, 180_000],
  },
]

/** Number of products of the seller: a larger world has a larger catalogue. */
export const catalogueSize = (companies: number) => Math.min(2000, 60 + Math.floor(companies / 50))

function goodsOf(draw: Random, index: number): Product {
  const family = draw.pick(goods)
  const kind = draw.pick(family.kinds)
  const size = draw.pick(family.sizes)
  const maker = draw.pick(makers)
  const sku = `${family.prefix}-${String(100 + index * 20).padStart(4, '0')}`
  const code = draw.fill('AA###-####')
  return {
    ...frame(draw, index, family),
    name: `${maker} ${kind} ${sku} ${size}`,
    shopName: `${kind} ${maker} ${sku}, ${size}`,
    sku,
    gtin: gtinOf(draw, index),
    manufacturer: maker,
    manufacturerCode: code,
    description: `${kind} by ${maker}, ${size}. Order code ${code}.`,
    service: false,
  }
}

/** Draws the next model of a series: its name differs by a digit, but it is another product. */
function nextModel(draw: Random, index: number, previous: Product): Product {
  const sku = previous.sku.replace(/\d+$/, (digits) => String(Number(digits) + 10).padStart(4, '0'))
  const code = draw.fill('AA###-####')
  return {
    ...previous,
    key: `product-${index}`,
    index,
    name: previous.name.replace(previous.sku, sku),
    shopName: previous.shopName.replace(previous.sku, sku),
    sku,
    gtin: gtinOf(draw, index),
    manufacturerCode: code,
    description: previous.description.replace(previous.manufacturerCode ?? '', code),
    priceCents: Math.round((previous.priceCents * draw.between(104, 130)) / 5000) * 50,
  }
}

function serviceOf(draw: Random, index: number): Product {
  const family = draw.pick(services)
  const size = draw.pick(family.sizes)
  const name = `${brand(index)} ${draw.pick(family.kinds)} ${size}`
  const recurring = family.category === 'Training' ? undefined : draw.chance(0.7) ? 'month' : 'year'
  return {
    ...frame(draw, index, family),
    name,
    shopName: `${name} (${recurring === undefined ? 'once' : `per ${recurring}`})`,
    sku: `${family.prefix}-${String(100 + index * 20).padStart(4, '0')}`,
    manufacturer: 'Halden',
    description: `${name}, per ${family.unit}.`,
    ...(recurring ? { recurring } : {}),
    service: true,
  }
}

const gtinOf = (draw: Random, index: number) =>
  gtin13(`40${draw.fill('#####')}${String(index).padStart(5, '0')}`)

const frame = (draw: Random, index: number, family: Family) => ({
  key: `product-${index}`,
  index,
  unit: family.unit,
  category: family.category,
  priceCents: Math.round(draw.between(family.cents[0], family.cents[1]) / 50) * 50,
  active: draw.chance(0.93),
  since: worldStart + draw.between(0, 700) * dayMs,
})

/**
 * Draws a product. Two in five are services; a third of the goods are the next model of the
 * previous one.
 */
function product(draw: Random, index: number, previous: Product | undefined): Product {
  if (index % 5 >= 3) return serviceOf(draw, index)
  return previous && !previous.service && draw.chance(0.35)
    ? nextModel(draw, index, previous)
    : goodsOf(draw, index)
}

export function catalogue(seed: number, companies: number): Product[] {
  const products: Product[] = []
  for (let index = 0; index < catalogueSize(companies); index++) {
    products.push(product(random(seed, 'product', index), index, products[index - 1]))
  }
  return products
}
