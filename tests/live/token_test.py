"""What dtr-garant hands out and to whom: registry tokens, which anybody can verify by the keys that it publishes, and
passwords of both methods."""
import base64
import json
import subprocess
import urllib.parse

from case_test import decoded
from programs import configured
from stack import PASSWORD

# what stands before x and y where a key of P-256 is written as DER (RFC 5480)
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def basic(name, password):
    return [("Authorization", "Basic " + base64.b64encode(("%s:%s" % (name, password)).encode()).decode())]


def key_of(certificate):
    """As DER, of a certificate as DER."""
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-pubkey"], input=certificate,
                          capture_output=True, check=True).stdout
    return subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=text,
                          capture_output=True, check=True).stdout


def tagged(tag, data):
    return bytes([tag, len(data)]) + data


def is_signed(text, signature, key, folder):
    """By the key; a signature of a token is r and s, openssl wants them as DER."""
    numbers = [int.from_bytes(signature[i:i + 32], "big") for i in (0, 32)]
    # one bit more, or the number would be negative
    numbers = [tagged(2, n.to_bytes(n.bit_length() // 8 + 1, "big")) for n in numbers]
    (folder / "key").write_bytes(key)
    (folder / "signature").write_bytes(tagged(0x30, b"".join(numbers)))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", folder / "key",
                           "-signature", folder / "signature"], input=text.encode(), capture_output=True)
    return (done.returncode, done.stdout) == (0, b"Verified OK\n")


def test_a_token_is_verified_by_its_certificate_and_by_the_published_key(stack, tmp_path):
    for user in ("admin", None):
        text, _, signature = stack.token("repository:admin/any:pull", user=user).rpartition(".")
        signature, header = bytes_of(signature), decoded(text.split(".")[0])
        assert (header["alg"], header["typ"], len(signature), len(header["x5c"])) == ("ES256", "JWT", 64, 1)
        # base64 with all its characters, unlike the other parts (RFC 7515)
        certificate = base64.b64decode(header["x5c"][0], validate=True)
        keys = json.loads(stack.request("GET", "/auth/jwks").body)["keys"]
        published, = [key for key in keys if key["kid"] == header["kid"]]
        assert {name: published[name] for name in ("kty", "crv", "use", "alg", "x5c")} == {
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "x5c": header["x5c"]}
        x_and_y = bytes_of(published["x"]) + bytes_of(published["y"])
        assert len(x_and_y) == 64
        for key in (key_of(certificate), P256 + x_and_y):
            assert is_signed(text, signature, key, tmp_path)
            assert not is_signed(text + "x", signature, key, tmp_path)
        assert key_of(certificate) == P256 + x_and_y


def answers(stack):
    """To nobody, to Basic authentication and to a form."""
    yield stack.request("GET", "/auth/token?service=" + stack.host)
    yield stack.request("GET", "/auth/token?account=admin&service=" + stack.host, basic("admin", PASSWORD))
    yield stack.request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded")],
                        urllib.parse.urlencode({
                            "grant_type": "password", "username": "admin", "password": PASSWORD,
                            "service": stack.host, "client_id": "test"}).encode())


def assert_life(stack, seconds):
    for answer in answers(stack):
        assert answer.status == 200, answer.body
        said = json.loads(answer.body)
        claims = decoded(said["token"].split(".")[1])
        assert (said["expires_in"], claims["exp"] - claims["iat"]) == (seconds, seconds)


def test_a_token_lives_for_as_long_as_is_said_and_configured(stack):
    assert_life(stack, 300)
    with configured(stack, "garant.token_life", 61, "dtr-garant"):
        assert_life(stack, 61)
    assert_life(stack, 300)


def log_in(stack, name, password):
    return stack.request("GET", "/auth/token", basic(name, password)).status


def give_password(stack, verb, name, password, code=0):
    """What was said, and the hash that is stored now."""
    done = stack.dtr("user", verb, name, "--password-file", "-", input=password)
    assert done.returncode == code, done.stderr
    return done.stderr, stack.sql("SELECT hash FROM account_password JOIN account ON id = account_id"
                                  " WHERE name = '%s'" % name)


def test_accounts_of_both_password_methods_log_in(stack):
    _, ((older,),) = give_password(stack, "create", "by-yescrypt", PASSWORD)
    assert older.startswith("$y$")
    with configured(stack, "garant.password_method", "bcrypt", "dtr-garant"):
        _, ((newer,),) = give_password(stack, "create", "by-bcrypt", PASSWORD)
        assert newer.startswith("$2b$12$")
        for name in ("by-bcrypt", "by-yescrypt"):
            assert [log_in(stack, name, word) for word in (PASSWORD, PASSWORD + "x", PASSWORD)] == [200, 401, 200]
        assert log_in(stack, "by-nobody", PASSWORD) == 401
        _, ((changed,),) = give_password(stack, "passwd", "by-yescrypt", PASSWORD)
        assert changed.startswith("$2b$12$") and log_in(stack, "by-yescrypt", PASSWORD) == 200
    for name in ("by-bcrypt", "by-yescrypt"):
        assert log_in(stack, name, PASSWORD) == 200


def test_a_password_longer_than_bcrypt_takes_is_refused(stack):
    """It would be cut there, and all that begin so would do. Bytes count, not letters."""
    longest = "\u00e4" * 36
    with configured(stack, "garant.password_method", "bcrypt", "dtr-garant"):
        _, before = give_password(stack, "create", "long-by-bcrypt", longest)
        assert log_in(stack, "long-by-bcrypt", longest) == 200
        for verb, name, stored in (("create", "longer-by-bcrypt", []), ("passwd", "long-by-bcrypt", before)):
            said, after = give_password(stack, verb, name, longest + "x", code=1)
            assert "password is longer than the 72 bytes that bcrypt takes" in said and after == stored
        assert log_in(stack, "long-by-bcrypt", longest) == 200
