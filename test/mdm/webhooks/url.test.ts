import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { test } from 'node:test'
import { createPoster } from '../../../mdm/webhooks/post.ts'
import { checkedUrl, type Reach, UrlError } from '../../../mdm/webhooks/url.ts'
import { isReachable, parseNetwork } from '../../../schema/kit/networkAddress.ts'
import fc from '../../property.ts'

const open: Reach = { networks: [], http: true, ports: [80, 443, 8443] }
const strict: Reach = { networks: [], http: false, ports: [443, 8443] }

/** Rejected by their text, independent of the network. */
const HOSTILE = [
  'https://127.0.0.1/',
  'https://127.1/',
  'https://127.0.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://017700000001/',
  'https://127.0.0.1./',
  'https://127.255.255.254/',
  'https://0.0.0.0/',
  'https://0/',
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://172.31.255.255/',
  'https://192.168.1.1/',
  'https://192.168.257/',
  'https://169.254.169.254/latest/meta-data/',
  'https://0xA9FEA9FE/',
  'https://100.64.0.1/',
  'https://100.100.100.200/',
  'https://168.63.129.16/',
  'https://192.0.0.192/',
  'https://198.18.0.1/',
  'https://203.0.113.7/',
  'https://224.0.0.1/',
  'https://240.0.0.1/',
  'https://255.255.255.255/',
  'https://[::1]/',
  'https://[::]/',
  'https://[0:0:0:0:0:0:0:1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:7f00:1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[64:ff9b:1::a00:1]/',
  'https://[2002:7f00:1::]/',
  'https://[2001:0:7f00:1::]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[fd00:ec2::254]/',
  'https://[ff02::1]/',
  'https://[fec0::1]/',
  'https://[2001:db8::1]/',
  'https://localhost/',
  'https://LOCALHOST./',
  'https://api.localhost/',
  'https://ｌｏｃａｌｈｏｓｔ/',
  'https://１２７.０.０.１/',
  'https://127。0。0。1/',
  'https://①②⑦.⓪.⓪.①/',
  'https://metadata/',
  'https://metadata.google.internal/',
  'https://printer.local/',
  'https://db.corp/',
  'https://user:secret@hooks.example.com/',
  'https://hooks.example.com@127.0.0.1/',
  'https://hooks.example.com:443@127.0.0.1/',
  'https://127.0.0.1#@hooks.example.com/',
  'https://hooks.example.com/#fragment',
  'https://127.0.0.1\\@hooks.example.com/',
  'https://hooks.example.com\\.127.0.0.1/',
  ' https://hooks.example.com/',
  'https://hooks.exam\tple.com/',
  'https://hooks.example.com/\r\nHost: localhost',
  'https://hooks.example.com:22/',
  'https://hooks.example.com:5432/',
  'https://hooks.example.com:0/',
  'https://hooks.example.com:65536/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:70/',
  'ftp://hooks.example.com/',
  'javascript:alert(1)',
  'data:text/plain,x',
  'unix:/var/run/docker.sock',
  '//127.0.0.1/',
  'https://',
  'https:///',
  'hooks.example.com',
  '',
  `https://hooks.example.com/${'x'.repeat(2_048)}`,
]

test('rejects URLs to internal addresses in every notation', () => {
  assert.ok(HOSTILE.length >= 60)
  for (const url of HOSTILE) assert.throws(() => checkedUrl(url, open), UrlError, url)
  assert.throws(() => checkedUrl('http://hooks.example.com/', strict), /must be https/)
})

test('accepts public URLs and normalises them', () => {
  assert.equal(
    checkedUrl('https://HOOKS.example.com:443/a?b=c', strict).href,
    'https://hooks.example.com/a?b=c',
  )
  assert.equal(
    checkedUrl('https://bücher.example:8443/', strict).href,
    'https://xn--bcher-kva.example:8443/',
  )
  assert.equal(checkedUrl('https://134744072/', strict).href, 'https://8.8.8.8/')
  assert.equal(checkedUrl('https://[2606:4700::1111]/', strict).href, 'https://[2606:4700::1111]/')
})

test('makes only the allowed networks reachable', () => {
  const reach: Reach = {
    networks: [parseNetwork('10.1.0.0/16'), parseNetwork('::1')],
    http: false,
    ports: [443],
  }
  for (const url of [
    'https://10.1.2.3/',
    'https://[::1]/',
    'https://[::ffff:10.1.2.3]/',
    'https://8.8.8.8/',
  ])
    checkedUrl(url, reach)
  for (const url of [
    'https://10.2.0.1/',
    'https://127.0.0.1/',
    'https://[::2]/',
    'https://169.254.169.254/',
  ])
    assert.throws(() => checkedUrl(url, reach), UrlError, url)
})

test('rejects every address of the reserved ranges, as number, as text and mapped into IPv6', () => {
  const ranges: [number, number][] = [
    [0x00_00_00_00, 24],
    [0x0a_00_00_00, 24],
    [0x64_40_00_00, 22],
    [0x7f_00_00_00, 24],
    [0xa9_fe_00_00, 16],
    [0xac_10_00_00, 20],
    [0xc0_a8_00_00, 16],
    [0xe0_00_00_00, 28],
    [0xf0_00_00_00, 28],
  ]
  const address = fc
    .constantFrom(...ranges)
    .chain(([base, bits]) =>
      fc.integer({ min: 0, max: 2 ** bits - 1 }).map((n) => (base + n) >>> 0),
    )
  fc.assert(
    fc.property(address, (n) => {
      const text = [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.')
      assert.equal(isReachable(text, []), false, text)
      for (const host of [
        String(n),
        `0x${n.toString(16)}`,
        `0${n.toString(8)}`,
        text,
        `[::ffff:${text}]`,
      ])
        assert.throws(() => checkedUrl(`https://${host}/`, open), UrlError, host)
    }),
  )
})

test('checks the addresses of a host name at every connection', async () => {
  let hits = 0
  const server = createServer((req, res) => {
    hits++
    if (req.url === '/away') res.writeHead(302, { location: `http://127.0.0.1:${port}/inner` })
    res.end('inside')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const leadsTo: Record<string, string[]> = {
    'private.example.com': ['10.0.0.5'],
    'loop.example.com': ['127.0.0.1'],
    'loop6.example.com': ['::1'],
    'mapped.example.com': ['::ffff:127.0.0.1'],
    'nat64.example.com': ['64:ff9b::7f00:1'],
    'metadata.example.com': ['169.254.169.254'],
    'mixed.example.com': ['93.184.216.34', '127.0.0.1'],
    'nowhere.example.com': [],
    'odd.example.com': ['not an address'],
  }
  const resolve = async (host: string) =>
    (leadsTo[host] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const reach: Reach = { networks: [], http: true, ports: [port] }
  const poster = createPoster({ reach, timeoutMs: 2_000, resolve })
  for (const host of Object.keys(leadsTo)) {
    const answer = await poster.post(`http://${host}:${port}/`, {}, '{}')
    assert.equal(answer.status, null, host)
    assert.match(answer.error ?? '', /not public|no address/, host)
    assert.doesNotMatch(
      answer.error ?? '',
      /\d+\.\d+\.\d+\.\d+/,
      'the error reveals no internal address',
    )
  }
  const literal = await poster.post(`http://127.0.0.1:${port}/`, {}, '{}')
  assert.match(literal.error ?? '', /not public/)
  assert.equal(hits, 0)
  poster.close()

  // DNS rebinding: public at registration, private at delivery; and the reverse.
  const inside = createPoster({
    reach: { ...reach, networks: [parseNetwork('127.0.0.1')] },
    timeoutMs: 2_000,
    resolve: async () => [{ address: hits === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }],
  })
  const closing = { connection: 'close' }
  assert.equal((await inside.post(`http://hooks.example.com:${port}/`, closing, '{}')).status, 200)
  assert.match(
    (await inside.post(`http://hooks.example.com:${port}/`, closing, '{}')).error ?? '',
    /not public/,
  )
  assert.equal(hits, 1)
  // A redirect is a failed response and is not followed.
  const away = await inside.post(`http://127.0.0.1:${port}/away`, closing, '{}')
  assert.deepEqual([away.status, away.error], [302, 'redirects are not followed'])
  assert.equal(hits, 2)
  inside.close()

  // A name that changes with every look-up: the address that was checked is the one connected to.
  let lookups = 0
  const flipping = createPoster({
    reach: { ...reach, networks: [parseNetwork('127.0.0.1')] },
    timeoutMs: 2_000,
    resolve: async () => [{ address: lookups++ % 2 === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }],
  })
  const statuses: (number | null)[] = []
  for (let n = 0; n < 6; n++)
    statuses.push((await flipping.post(`http://hooks.example.com:${port}/`, closing, '{}')).status)
  assert.deepEqual(statuses, [200, null, 200, null, 200, null])
  assert.deepEqual([lookups, hits], [6, 5])
  flipping.close()
  server.close()
})

test('a response of any kind ends the attempt: another protocol, no response, or early hints without end', async (t) => {
  const hint = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'
  const upgrade = 'upgrade: websocket\r\nconnection: upgrade\r\n\r\n'
  const responses: [path: string, text: string, status: number | null, error: RegExp | null][] = [
    ['101', `HTTP/1.1 101 Switching Protocols\r\n${upgrade}`, null, /101 changes the protocol/],
    ['101-plain', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 101, null],
    ['426', `HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\n${upgrade}`, 426, null],
    ['000', 'HTTP/1.1 000 None\r\ncontent-length: 0\r\n\r\n', 0, null],
    ['hints', hint, null, /no answer within 300 ms/],
    ['end', '', null, /socket hang up/],
  ]
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (request) => {
      const [, text] = responses.find(([path]) => request.includes(`POST /${path} `)) ?? []
      if (text === undefined) return
      if (text === '') return socket.destroy()
      socket.write(text)
      if (text !== hint) return
      const more = setInterval(() => socket.write(hint), 1)
      socket.once('close', () => clearInterval(more))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const reach: Reach = { networks: [parseNetwork('127.0.0.1')], http: true, ports: [port] }
  const poster = createPoster({ reach, timeoutMs: 300 })
  t.after(() => {
    poster.close()
    server.close()
  })
  const closing = { connection: 'close' }
  for (const [path, , status, error] of responses) {
    const answer = await poster.post(`http://127.0.0.1:${port}/${path}`, closing, '{}')
    assert.equal(answer.status, status, `${path}: ${answer.error}`)
    assert.match(answer.error ?? '', error ?? /^$/, path)
  }
})
