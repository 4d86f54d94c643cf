// An OpenID provider as oidc-provider's documentation shows one: access tokens for clients of their
// own (RFC 6749 §4.4), introspection (RFC 7662), revocation (RFC 7009). Its keys are new at each start.
//
//   SCIMGUARD_NODE_MODULES=…/node_modules CLIENT_SECRET=… node openid-provider.mjs PORT
//
// Prints `listening on URL`. A client asks for a token for a resource (RFC 8707); the query of the
// resource says how the token is made: `alg` of its signature, none for an opaque one, and `ttl`, the
// seconds that it lives.

import { createPrivateKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.SCIMGUARD_NODE_MODULES, "openid-provider.cjs"));
const { Provider } = await import(pathToFileURL(require.resolve("oidc-provider")));

// A key is read again before it is exported: Node 20 may wait for itself for ever when it collects garbage
// while it exports a key that it has made, since both lock what made the key.
function key(alg, type, options) {
    const privateKeyEncoding = { type: "pkcs8", format: "pem" };
    const { privateKey } = generateKeyPairSync(type, { ...options, privateKeyEncoding });
    const jwk = createPrivateKey(privateKey).export({ format: "jwk" });
    return { ...jwk, kid: randomUUID(), alg, use: "sig" };
}

function client(client_id, grant_types) {
    return {
        client_id,
        client_secret: process.env.CLIENT_SECRET,
        grant_types,
        redirect_uris: [],
        response_types: [],
    };
}

const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
    jwks: {
        keys: [
            key("RS256", "rsa", { modulusLength: 2048 }),
            key("PS256", "rsa", { modulusLength: 2048 }),
            key("ES256", "ec", { namedCurve: "P-256" }),
            key("EdDSA", "ed25519", {}),
        ],
    },
    clients: [client("svc-okta", ["client_credentials"]), client("scimguard", [])],
    features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        revocation: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: {
            enabled: true,
            getResourceServerInfo: (_, resource) => {
                const { origin, searchParams } = new URL(resource);
                const alg = searchParams.get("alg");
                return {
                    audience: origin,
                    scope: "scim",
                    accessTokenTTL: Number(searchParams.get("ttl") ?? 600),
                    accessTokenFormat: alg ? "jwt" : "opaque",
                    jwt: alg ? { sign: { alg } } : undefined,
                };
            },
        },
    },
});
provider.listen(port, "127.0.0.1", () => console.log(`listening on ${issuer}`));
