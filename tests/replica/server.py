"""The published addresses on loopback: https://HOST/PATH?QUERY is http://127.0.0.1:PORT/HOST/PATH?QUERY here."""

import mmap

from acquisition.faulty_server import Page, Site, serve


class Replica:
    """Serves files by the address they are published at, with ranges; a context that ends the server.

    ``site`` has the ``faults`` and the ``requests`` of the faulty server, by path.
    """

    def __init__(self, files):
        self.site = Site()
        self._mapped = []
        for address, file in files.items():
            with file.open("rb") as stream:
                self._mapped.append(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            content = memoryview(self._mapped[-1])  # sliced without a copy: checkpoints are large
            self.site.pages[self.path(address)] = Page(content, etag=f'"{file.name}-{len(content)}"')
        self._server, self._thread = serve(self.site)

    @staticmethod
    def path(address):
        return "/" + address.removeprefix("https://")

    def local(self, address):
        return address.replace("https://", f"{self.site.address}/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
