// An identity provider of the federation: npm oidc-provider with personas to choose from.
//
// IDP_OPTIONS (JSON): name, personas {sub: claims}, client {id, secret, redirect_uris}, conform (claims of
// scopes come from userinfo alone), alg (of id tokens). Prints {"issuer": ...} when it is ready.
// POST /control/rotate: new keys, the old ones are gone at once. POST /control/tell: the same, and the address
// in its body is told of log-outs (OpenID Connect Back-Channel Logout 1.0). It ends when its standard input does.
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import Provider, { interactionPolicy } from 'oidc-provider'

const options = JSON.parse(process.env.IDP_OPTIONS)
const cookieKeys = [randomBytes(32).toString('hex')]
const ACRS = ['https://refeds.org/profile/sfa', 'https://refeds.org/profile/mfa']
const AMRS = { [ACRS[0]]: ['pwd'], [ACRS[1]]: ['pwd', 'otp', 'mfa'] }
const CLAIMS = {
  openid: ['sub', 'idp', 'idp_name', 'eppn', 'affiliation', 'acr', 'amr', 'auth_time', 'eduperson_assurance',
    'eduperson_scoped_affiliation', 'voperson_external_affiliation', 'schac_home_organization'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username'],
  email: ['email', 'email_verified'],
  'org.cilogon.userinfo': ['idp', 'idp_name', 'eppn', 'affiliation'],
}

function newKeys() {
  const made = randomBytes(4).toString('hex')
  const pairs = [['RS256', 'rsa', { modulusLength: 2048 }], ['ES256', 'ec', { namedCurve: 'P-256' }]]
  return pairs.map(([alg, type, how]) => (
    { ...generateKeyPairSync(type, how).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${made}` }))
}

// The form asks who it is; nobody is asked for consent.
const policy = interactionPolicy.base()
policy.remove('consent')

function build(issuer, told) {
  const provider = new Provider(issuer, {
    jwks: { keys: newKeys() },
    clients: [{
      client_id: options.client.id,
      client_secret: options.client.secret,
      redirect_uris: options.client.redirect_uris,
      // The portal under test has another port each time (RFC 8252, 7.3).
      application_type: 'native',
      require_auth_time: true,
      id_token_signed_response_alg: options.alg ?? 'RS256',
      ...told && { backchannel_logout_uri: told, backchannel_logout_session_required: true },
    }],
    // Providers of one federation share the host, and so the jar of cookies.
    cookies: { keys: cookieKeys, names: Object.fromEntries(
      ['session', 'interaction', 'resume'].map((kind) => [kind, `_${options.name}_${kind}`])) },
    pkce: { required: () => true },
    acrValues: ACRS,
    scopes: ['openid', 'profile', 'email', 'org.cilogon.userinfo'],
    claims: CLAIMS,
    conformIdTokenClaims: options.conform ?? false,
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, claimsParameter: { enabled: true } },
    // Without the guard that keeps it from calling this very machine, where the portal under test is.
    fetch: (url, { dispatcher: _guarded, ...how }) => fetch(url, how),
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}`, policy },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, AuthorizationCode: 60, IdToken: 300 },
    findAccount: (_ctx, sub) => options.personas[sub] && ({
      accountId: sub, claims: () => ({ sub, ...options.personas[sub] }),
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant(
        { clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(' '))
      await grant.save()
      return grant
    },
  })
  for (const event of ['server_error', 'backchannel.error']) {
    provider.on(event, (_ctx, error) => console.error(error))
  }
  return { provider, handle: provider.callback() }
}

const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const option = (value, label) => `<option value="${escaped(value)}">${escaped(label)}</option>`

function form(interaction) {
  const asked = interaction.params.acr_values?.split(' ') ?? []
  const order = [...ACRS].sort((a, b) => asked.includes(b) - asked.includes(a))
  const people = Object.entries(options.personas)
  return `<!doctype html><html lang="en"><title>${escaped(options.name)}</title><main>
    <h1>Log in at ${escaped(options.name)}</h1><form method="post" action="/interaction/${interaction.uid}">
    <label>Person <select name="persona">${people.map(([sub, who]) => option(sub, who.name ?? sub)).join('')}</select></label>
    <label>Way <select name="acr">${order.map((acr) => option(acr, acr)).join('')}</select></label>
    <button name="answer" value="go">Continue</button> <button name="answer" value="cancel">Cancel</button>
    </form></main></html>`
}

async function interact(provider, req, res) {
  const interaction = await provider.interactionDetails(req, res)
  if (req.method !== 'POST') {
    res.setHeader('Content-Type', 'text/html; charset=utf-8')
    return res.end(form(interaction))
  }
  let body = ''
  for await (const part of req) body += part
  const chosen = new URLSearchParams(body)
  const acr = chosen.get('acr')
  const result = chosen.get('answer') === 'cancel'
    ? { error: 'access_denied', error_description: 'The person pressed Cancel.' }
    : { login: { accountId: chosen.get('persona'), acr, amr: AMRS[acr], remember: false } }
  return provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false })
}

let current
const server = createServer(async (req, res) => {
  if (req.url === '/control/tell' && req.method === 'POST') {
    let address = ''
    for await (const part of req) address += part
    current = build(current.provider.issuer, address)
    return res.end()
  }
  if (req.url === '/control/rotate' && req.method === 'POST') {
    current = build(current.provider.issuer)
    return res.end()
  }
  if (!req.url.startsWith('/interaction/')) return current.handle(req, res)
  return interact(current.provider, req, res).catch((error) => {
    console.error(error)
    res.statusCode = 400
    res.end('This log-in is over.')
  })
})
server.listen(0, '127.0.0.1', () => {
  current = build(`http://127.0.0.1:${server.address().port}`)
  console.log(JSON.stringify({ issuer: current.provider.issuer }))
})
process.stdin.on('end', () => process.exit(0)).resume()
