"""Run as a process of its own: reads a PDF from standard input and writes its text, within bounds of memory, time, pages and length."""

import resource
import sys

import pypdfium2

MEMORY, PROCESSOR = 1 << 30, 30  # bytes; seconds
PAGES, CHARACTERS = 2000, 2_000_000


def main() -> int:
    """Write the text to standard output; 1 and a reason on standard error where there is none to be had."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR))
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
        left = CHARACTERS
        for number in range(min(len(document), PAGES)):
            text = document[number].get_textpage().get_text_range()[:left].replace("\r\n", "\n").replace("\x00", "")
            sys.stdout.buffer.write((text + "\n\n").encode("utf-8", "replace"))
            left -= len(text)
            if left <= 0:
                break
    except (pypdfium2.PdfiumError, MemoryError) as error:
        sys.stderr.write(f"{error or 'out of memory'}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
