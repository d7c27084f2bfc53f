"""Certificates as tidb-ansible's make-ssl.sh names and fills them, and ones that must not pass."""
import pathlib
import subprocess


class Certificates:
    """ca.pem; for each server <name>-<address>.pem and its key, usable on both ends; client.pem with CN client."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.authority()

    def authority(self, name="ca", common_name="TiDB Binlog test CA"):
        self._openssl("req", "-x509", *self._new_key(f"{name}-key.pem"), "-days", "30", "-subj", f"/CN={common_name}",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", self.folder / f"{name}.pem")

    def server(self, name, address, common_name, ca="ca", days=30, out=None):
        """CN as given, names: its address and 127.0.0.1; valid until `days` from now, which may lie in the past."""
        out = out or f"{name}-{address}"
        self.issue(out, common_name, f"subjectAltName=IP:{address},IP:127.0.0.1", ca, days)

    def client(self):
        self.issue("client", "client", "subjectAltName=DNS:client")

    def issue(self, out, common_name, names, ca="ca", days=30):
        request, extensions = self.folder / f"{out}.csr", self.folder / f"{out}.ext"
        extensions.write_text(f"{names}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("req", *self._new_key(f"{out}-key.pem"), "-subj", f"/CN={common_name}", "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.folder / f"{ca}.pem", "-CAkey",
                      self.folder / f"{ca}-key.pem", "-CAcreateserial", "-days", str(days), "-extfile", extensions,
                      "-out", self.folder / f"{out}.pem")
        request.unlink()
        extensions.unlink()

    def files(self, name):
        """The options `tls` of support.pd and of the prober."""
        return {"ca": str(self.folder / "ca.pem"), "cert": str(self.folder / f"{name}.pem"),
                "key": str(self.folder / f"{name}-key.pem")}

    def _new_key(self, out):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.folder / out)

    @staticmethod
    def _openssl(*words):
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
