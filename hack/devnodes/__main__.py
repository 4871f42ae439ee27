import sys

from devnodes.world import main

sys.exit(main(sys.argv[1:]))
