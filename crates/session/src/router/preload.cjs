// Loaded into the router's processes before their own code (NODE_OPTIONS=--require).
//
// The router's port serves more than models: version 1 shows its configuration there, keys and all, and
// takes a new one, from whoever has the key that the agent has. Only what agents need is let through.
// Every answer carries this instance's mark, so that a stranger on the port is not taken for the router,
// and a port that is taken is noted, because the router does not say so in every version.
'use strict'

const fs = require('node:fs')
const net = require('node:net')

const port = Number(process.env.BERTH_ROUTER_PORT)
const mark = process.env.BERTH_ROUTER_MARK
const note = process.env.BERTH_ROUTER_NOTE

const ALLOWED = new Set([
  'GET /',
  'GET /health',
  'GET /v1/models',
  'POST /v1/messages',
  'POST /v1/messages/count_tokens',
  'POST /v1/chat/completions',
  'POST /v1/responses',
  'POST /v1/responses/compact',
])

function isAllowed(request) {
  const path = String(request.url).split('?', 1)[0]
  const method = request.method === 'HEAD' ? 'GET' : request.method
  return ALLOWED.has(`${method} ${path}`)
}

function isRouter(server) {
  const address = server.address()
  return address !== null && typeof address === 'object' && address.port === port
}

const emit = net.Server.prototype.emit
net.Server.prototype.emit = function (event, ...args) {
  const [first, second] = args
  if (event === 'error' && first?.syscall === 'listen' && first.port === port) {
    try {
      fs.writeFileSync(note, String(first.code))
    } catch {
      // The router ends all the same, and says what it says.
    }
  }
  if (event === 'upgrade' && isRouter(this)) {
    second.destroy()
    return true
  }
  if (event === 'request' && isRouter(this)) {
    second.setHeader('x-berth-router', mark)
    if (!isAllowed(first)) {
      second.statusCode = 404
      second.setHeader('content-type', 'application/json')
      second.end('{"error":{"message":"This router offers models and nothing else."}}')
      return true
    }
  }
  return emit.call(this, event, ...args)
}
