import Cinch
