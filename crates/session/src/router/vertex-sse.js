// A transformer for CCRouter 1, to stand behind its own "vertex-gemini".
//
// That one asks Vertex AI for a stream without `alt=sse` and cannot read the JSON array which comes then
// (https://github.com/musistudio/claude-code-router/issues/1315), so no message of Claude Code gets
// through. This one leaves everything as it is but the address that is asked.
'use strict'

module.exports = class VertexSse {
  constructor(options) {
    this.name = 'vertex-sse'
    this.options = options ?? {}
  }

  async transformRequestIn(request, provider, context) {
    const asked = context?.req?.body ?? request
    const { project, location } = this.options
    const host = location === 'global' ? '' : `${location}-`
    const base = provider.baseUrl || `https://${host}aiplatform.googleapis.com`
    const call = asked.stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
    const path = `projects/${project}/locations/${location}/publishers/google/models/${asked.model}:${call}`
    return { body: request, config: { url: new URL(`${base.replace(/\/+$/, '')}/v1beta1/${path}`) } }
  }
}
