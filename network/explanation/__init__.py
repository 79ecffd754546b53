"""Why a prediction is what it is: slopes, and what each feature contributes."""
