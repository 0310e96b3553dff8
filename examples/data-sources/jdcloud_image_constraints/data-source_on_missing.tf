variable "public_image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-gpu"]
}

# Good for lists of public images that all have a constraint: a misspelt id ends the plan.
data "jdcloud_image_constraints" "public" {
  ids        = var.public_image_ids
  on_missing = "error"
}
