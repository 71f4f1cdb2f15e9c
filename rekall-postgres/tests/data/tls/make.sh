#!/bin/sh
# Makes the certificates of the tests: an authority, a server's certificate for `localhost` that it has signed, and
# another authority. They protect nothing.
set -eu
cd "$(dirname "$0")"
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=$2" \
        -keyout "$1.key" -out "$1.pem" 2> /dev/null
}
authority authority "Authority of rekall's tests"
authority other "Another authority of rekall's tests"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr 2> /dev/null
cat > ca.conf << 'END'
[ca]
default_ca = here
[here]
database = ca.index
new_certs_dir = .
policy = names
default_md = sha256
x509_extensions = extensions
rand_serial = yes
[names]
commonName = supplied
[extensions]
subjectAltName = DNS:localhost
basicConstraints = CA:FALSE
END
: > ca.index
# From a day in the past on, for machines whose clock is late.
openssl ca -batch -notext -config ca.conf -cert authority.pem -keyfile authority.key -in server.csr -out server.pem \
    -startdate 20200101000000Z -enddate 21200101000000Z 2> /dev/null
rm -f authority.key other.key server.csr ca.conf ca.index*
find . -name '[0-9A-F]*.pem' ! -name authority.pem ! -name other.pem ! -name server.pem -delete
