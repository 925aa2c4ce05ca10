"""Opens the golden vault keys from what the README of @arc/crypto says of the formats, and from nothing else.

    python3 read_vault_keys.py golden/vault-keys-1.json

Prints one line for each slot that a secret opens; ends with 1 when something does not hold. Needs `cryptography`.
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
HEADER_BYTES = 41
b64 = base64.b64decode


def hkdf(secret, info, salt=b"", length=32):
    key = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    block, output, count = b"", b"", 1
    while len(output) < length:
        block = hmac.new(key, block + info + bytes([count]), hashlib.sha256).digest()
        output, count = output + block, count + 1
    return output[:length]


def fields(*values):
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    return b"".join(struct.pack(">I", len(value)) + value for value in encoded)


def open_xaes(key, sealed, associated):
    def encrypt(block):
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        return encryptor.update(block) + encryptor.finalize()

    zero = int.from_bytes(encrypt(bytes(16)), "big")
    doubled = ((zero << 1) & ((1 << 128) - 1)) ^ (0x87 if zero >> 127 else 0)
    halves = [bytes([0, half, 0x58, 0]) + sealed[:12] for half in (1, 2)]
    message_key = b"".join(encrypt((int.from_bytes(half, "big") ^ doubled).to_bytes(16, "big")) for half in halves)
    return AESGCM(message_key).decrypt(sealed[12:24], sealed[24:], associated)


def bech32_bytes(text):
    symbols = [BECH32.index(letter) for letter in text.lower().rsplit("1", 1)[1]][:-6]
    number = 0
    for symbol in symbols:
        number = number << 5 | symbol
    return (number >> len(symbols) * 5 % 8).to_bytes(len(symbols) * 5 // 8, "big")


def raw(public_key):
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_of(private):
    return raw(X25519PrivateKey.from_private_bytes(private).public_key())


def agree(private, public):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def slot_key(lock, secret):
    """The wrapping key, and what the lock adds to the associated data; None when the secret is of another kind."""
    if lock["kind"] == "passphrase":
        kdf = lock["kdf"]
        # Python's own library has no argon2.
        if "passphrase" not in secret or kdf["name"] != "scrypt":
            return None
        passphrase = unicodedata.normalize("NFC", secret["passphrase"]).encode()
        cost = {"n": 2 ** kdf["logN"], "r": kdf["r"], "p": kdf["p"], "maxmem": 2**28}
        key = hashlib.scrypt(passphrase, salt=b64(kdf["salt"]), dklen=32, **cost)
        return key, [text for name in sorted(kdf) for text in (name, str(kdf[name]))]
    if "identity" not in secret:
        return None
    private, ephemeral = bech32_bytes(secret["identity"]), b64(lock["ephemeralKey"])
    public = public_of(private)
    if bech32_bytes(lock["recipient"]) != public:
        return None
    return hkdf(agree(private, ephemeral), b"arc key slot 1", ephemeral + public), [
        lock["recipient"],
        lock["ephemeralKey"],
    ]


def open_slot(slot, secret):
    text = slot["text"].encode()
    assert hashlib.sha256(text).hexdigest() == slot["id"]
    document = json.loads(text)
    found = slot_key(document["lock"], secret)
    if found is None:
        return None
    key, parameters = found
    common = [document["vault"], document["access"], str(document["generation"]), document["label"]]
    associated = fields("arc key slot 1", *common, document["lock"]["kind"], *parameters)
    try:
        return json.loads(open_xaes(key, b64(document["wrapped"]), associated))
    except InvalidTag:
        return None


def check_full(golden, bundle):
    root = b64(bundle["root"])
    signer = Ed25519PrivateKey.from_private_bytes(hkdf(root, b"arc root signature 1"))
    assert hashlib.sha256(raw(signer.public_key())).hexdigest()[:32] == golden["id"]
    generations = {}
    for secret in map(b64, bundle["generations"]):
        private = hkdf(secret, b"arc seal private 1")
        public = public_of(private)
        generations[hashlib.sha256(public).digest()[:8]] = private, public, hkdf(secret, b"arc seal write 1")
    for item in golden["objects"]:
        sealed = b64(item["sealed"])
        header, kind = sealed[:HEADER_BYTES], item["kind"]
        assert header[0] == 1
        private, public, write_secret = generations[header[1:9]]
        key = hkdf(agree(private, header[9:]) + write_secret, b"arc seal 1 " + kind.encode(), header + public)
        associated = fields("arc sealed object 1", golden["vaultId"], kind, item["context"], header)
        assert open_xaes(key, sealed[HEADER_BYTES:], associated).decode() == item["text"]
    return hkdf(root, b"arc chunks 1")


def check_write(golden, bundle):
    names = ["publicKey", "writeSecret", "chunkSecret"]
    text = fields("arc key approval 1", bundle["vault"], str(bundle["generation"]), *(b64(bundle[name]) for name in names))
    root = b64(bundle["rootPublicKey"])
    Ed25519PublicKey.from_public_bytes(root).verify(b64(bundle["approval"]), text)
    assert hashlib.sha256(root).hexdigest()[:32] == golden["id"]
    return b64(bundle["chunkSecret"])


def gear_table(seed):
    return hashlib.sha256(hkdf(seed, b"arc gear table 1", length=1024)).hexdigest()


def main(path):
    with open(path, encoding="utf-8") as file:
        golden = json.load(file)
    for secret in [*golden["secrets"], golden["machine"]]:
        for slot in golden["slots"]:
            bundle = open_slot(slot, secret)
            if bundle is None:
                continue
            chunks = (check_full if bundle["access"] == "full" else check_write)(golden, bundle)
            name = hmac.new(hkdf(chunks, b"arc chunk id 1"), golden["chunk"]["text"].encode(), hashlib.sha256)
            assert name.hexdigest() == golden["chunk"]["id"]
            assert gear_table(hkdf(chunks, b"arc gear 1")) == golden["gearTableSha256"]
            print(next(iter(secret)), bundle["access"])
    plain = hkdf(golden["vaultId"].encode(), b"arc plain gear 1")
    assert gear_table(plain) == golden["plainGearTableSha256"]


main(sys.argv[1])
