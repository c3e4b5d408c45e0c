"""The job that comes round: visit.py PORT SECONDS waits so long, visits the site once, and ends."""
import sys
import time
import urllib.request


def main():
    port, seconds = int(sys.argv[1]), float(sys.argv[2])
    time.sleep(seconds)
    with urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=5) as answer:
        print("saw:", answer.read().decode().strip(), flush=True)


if __name__ == "__main__":
    main()
