// Loaded into the router's processes before their own code (NODE_OPTIONS=--require).
//
// The router's port serves more than models: version 1 shows its configuration there, keys and all, and
// takes a new one, from whoever has the key that the agent has. Only what agents need is let through.
// Every answer carries this instance's mark, so that a stranger on the port is not taken for the router,
// and a port that is taken is noted, because the router does not say so in every version. The first process
// ends when the one that serves does: version 3 would stay without it.
'use strict'

const { ChildProcess } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

const port = Number(process.env.BERTH_ROUTER_PORT)
const mark = process.env.BERTH_ROUTER_MARK
const folder = process.env.BERTH_ROUTER_FOLDER

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
  const asked = String(request.url).split('?', 1)[0]
  const method = request.method === 'HEAD' ? 'GET' : request.method
  return ALLOWED.has(`${method} ${asked}`)
}

function isRouter(server) {
  const address = server.address()
  return address !== null && typeof address === 'object' && address.port === port
}

function note(name, content) {
  try {
    fs.writeFileSync(path.join(folder, name), String(content))
  } catch {
    // The folder is gone, and soon this process is too.
  }
}

function servingProcess() {
  try {
    return Number(fs.readFileSync(path.join(folder, 'serving-process'), 'utf8'))
  } catch {
    return undefined
  }
}

const emitOfChild = ChildProcess.prototype.emit
ChildProcess.prototype.emit = function (event, ...args) {
  if (event === 'exit' && this.pid === servingProcess()) {
    const [code, signal] = args
    console.error(`the process that serves has ended (${signal ?? code})`)
    process.exit(1)
  }
  return emitOfChild.call(this, event, ...args)
}

const emit = net.Server.prototype.emit
net.Server.prototype.emit = function (event, ...args) {
  const [first, second] = args
  if (event === 'error' && first?.syscall === 'listen' && first.port === port) {
    note('port-taken', first.code)
  }
  if (event === 'listening' && isRouter(this)) {
    note('serving-process', process.pid)
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
