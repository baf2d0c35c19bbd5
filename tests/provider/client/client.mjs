// A relying party: npm openid-client, driven by lines of JSON {id, do, with} on standard input.
//
// Each line is answered by one {id, ok} or {id, failed: {code, error, status, message}}. Ends when its input does.
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const configs = new Map()
const METHODS = { basic: oidc.ClientSecretBasic, post: oidc.ClientSecretPost, none: () => oidc.None() }

const told = (tokens) => ({ ...tokens, claims: tokens.id_token ? tokens.claims() : undefined })
const keys = (config) => createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))

const doing = {
  // Reads the discovery document; checks signatures of id tokens although they come straight from the provider.
  async discover({ name, issuer, client, secret, method = 'basic', alg = 'ES256' }) {
    const metadata = { id_token_signed_response_alg: alg }
    const execute = [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
    const config = await oidc.discovery(new URL(issuer), client, metadata, METHODS[method](secret), { execute })
    configs.set(name, config)
    return config.serverMetadata()
  },
  async ask({ name, redirect, scope, more = {} }) {
    const kept = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
    const challenge = await oidc.calculatePKCECodeChallenge(kept.verifier)
    const url = oidc.buildAuthorizationUrl(configs.get(name), {
      redirect_uri: redirect, scope, code_challenge: challenge, code_challenge_method: 'S256',
      state: kept.state, nonce: kept.nonce, ...more,
    })
    return { url: url.href, ...kept }
  },
  async finish({ name, landed, verifier, state, nonce, maxAge }) {
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, maxAge, idTokenExpected: true }
    return told(await oidc.authorizationCodeGrant(configs.get(name), new URL(landed), checks))
  },
  async refresh({ name, token, more }) {
    return told(await oidc.refreshTokenGrant(configs.get(name), token, more))
  },
  async userinfo({ name, token, sub }) {
    return oidc.fetchUserInfo(configs.get(name), token, sub)
  },
  async introspect({ name, token }) {
    return oidc.tokenIntrospection(configs.get(name), token)
  },
  async revoke({ name, token }) {
    await oidc.tokenRevocation(configs.get(name), token)
    return null
  },
  async device({ name, scope }) {
    return oidc.initiateDeviceAuthorization(configs.get(name), { scope })
  },
  async grant({ name, type, form }) {
    return told(await oidc.genericGrantRequest(configs.get(name), type, form))
  },
  // With keys fetched now, by the rules of npm jose.
  async verify({ name, jwt, issuer, typ }) {
    const { payload } = await jwtVerify(jwt, keys(configs.get(name)), { issuer, typ })
    return { payload, header: decodeProtectedHeader(jwt) }
  },
}

function failure(error) {
  const { code, error: named, status, message, cause } = error
  return { code, error: named ?? cause?.error, status, message: `${message} ${cause?.message ?? ''}` }
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  try {
    console.log(JSON.stringify({ id: asked.id, ok: (await doing[asked.do](asked.with)) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ id: asked.id, failed: failure(error) }))
  }
}
